//! `play`, `pause`, `next`: what the streaming thread is told, and when it was heard.

use std::io::Write;

use anyhow::Result;

use super::{setting::Setting, wire::Accepted};
use crate::command::Effect;

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Play,
    Pause,
    Next,
}

pub(super) fn run(wish: Wish, setting: &Setting, screen: &mut dyn Write) -> Result<()> {
    let server = setting.server()?;
    let accepted = match wish {
        Wish::Play => server.play(true)?,
        Wish::Pause => server.play(false)?,
        Wish::Next => server.next()?,
    };
    Ok(writeln!(screen, "{}", said(wish, accepted))?)
}

fn said(wish: Wish, accepted: Accepted) -> String {
    let (done, asked) = match wish {
        Wish::Play => ("Playing", "Play"),
        Wish::Pause => ("Paused", "Pause"),
        Wish::Next => ("Next song", "Next"),
    };
    match accepted.effect {
        Some(Effect { frame, in_ms }) => format!("{done} from frame {frame} on, after {in_ms} ms."),
        None => format!("{asked} is noted; `musicdb-stream status` says what holds now."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_tells_when_it_was_heard() {
        let heard = Accepted { effect: Some(Effect { frame: 9, in_ms: 12 }) };
        assert_eq!(said(Wish::Pause, heard), "Paused from frame 9 on, after 12 ms.");
        assert!(said(Wish::Next, Accepted { effect: None }).starts_with("Next is noted"));
    }
}
