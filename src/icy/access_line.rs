//! A line of Icecast's access log.
//!
//! `ip - user [dd/Mon/YYYY:HH:MM:SS +0000] "METHOD path PROTOCOL" status bytes "referer" "agent" seconds`:
//! the Common Log Format with referer and agent, and the seconds that the connection lasted, from
//! which listener hours are counted. Times are those of the end, in UTC.

use std::net::IpAddr;

use super::date::Date;

/// Characters of a text that are kept.
pub const MAX_LOGGED: usize = 200;

/// What is known of a connection that has ended.
#[derive(Debug, Clone, Copy)]
pub struct AccessLine<'a> {
    /// The peer's.
    pub address: IpAddr,
    /// The name that it logged in with; empty: none.
    pub user: &'a str,
    /// When it ended.
    pub ended: Date,
    /// As [`logged_request`] makes it.
    pub request: &'a str,
    /// The status that was answered.
    pub status: u16,
    /// Bytes that were sent, the head among them.
    pub bytes: u64,
    /// Empty: none.
    pub referer: &'a str,
    /// Empty: none.
    pub user_agent: &'a str,
    /// How long it lasted.
    pub seconds: u64,
}

impl AccessLine<'_> {
    /// The line, with its end. As in Icecast, what could end a line or a quotation becomes a dot,
    /// and so does everything beyond ASCII.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { address, status, bytes, seconds, .. } = self;
        let [user, request, referer, agent] =
            [self.user, self.request, self.referer, self.user_agent].map(harmless);
        // A space would end the name, and a bracket begin the date.
        let user = user.replace([' ', '[', ']'], ".");
        let ended = self.ended.log();
        format!(
            "{address} - {user} [{ended}] \"{request}\" {status} {bytes} \"{referer}\" \"{agent}\" {seconds}\n"
        )
    }
}

/// A request line as it is logged: without the query, which may hold a password.
#[must_use]
pub fn logged_request(line: &str) -> String {
    let Some((before, after)) = line.split_once('?') else { return clipped(line) };
    let protocol = after.rsplit_once(' ').map_or("", |(_, protocol)| protocol);
    format!("{} {protocol}", clipped(before))
}

fn clipped(text: &str) -> String {
    text.chars().take(MAX_LOGGED).collect()
}

fn harmless(text: &str) -> String {
    if text.is_empty() {
        return "-".to_owned();
    }
    let characters = text.chars().take(MAX_LOGGED + 16);
    let kept = |c: char| (c.is_ascii_graphic() || c == ' ') && c != '"' && c != '\\';
    characters.map(|c| if kept(c) { c } else { '.' }).collect()
}

#[cfg(test)]
mod tests {
    use std::{
        net::Ipv4Addr,
        time::{Duration, SystemTime},
    };

    use proptest::prelude::*;

    use super::*;

    fn line<'a>(user: &'a str, request: &'a str, agent: &'a str) -> AccessLine<'a> {
        AccessLine {
            address: Ipv4Addr::LOCALHOST.into(),
            user,
            ended: Date::of(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_292_200)),
            request,
            status: 200,
            bytes: 3_892_378,
            referer: "",
            user_agent: agent,
            seconds: 235,
        }
    }

    #[test]
    fn the_line_is_icecasts() {
        assert_eq!(
            line("", "GET /stream HTTP/1.1", "play\"er/1 é").text(),
            "127.0.0.1 - - [21/Nov/2026:20:16:40 +0000] \"GET /stream HTTP/1.1\" 200 3892378 \"-\" \"play.er/1 .\" 235\n"
        );
    }

    #[test]
    fn what_stands_behind_the_question_mark_is_not_logged() {
        assert_eq!(logged_request("GET /a?password=x HTTP/1.0"), "GET /a HTTP/1.0");
        assert_eq!(logged_request("GET /a HTTP/1.0"), "GET /a HTTP/1.0");
        assert_eq!(logged_request("?"), " ");
    }

    proptest! {
        #[test]
        fn nothing_that_a_client_says_makes_another_line_or_field(
            user in any::<String>(), request in any::<String>(), agent in any::<String>(),
        ) {
            let text = line(&user, &request, &agent).text();
            prop_assert_eq!(text.matches('\n').count(), 1);
            prop_assert_eq!(text.matches('"').count(), 6);
            prop_assert_eq!(text.split(" [").next().unwrap().split(' ').count(), 3);
            prop_assert!(text.len() < 1200 && text.is_ascii());
        }
    }
}
