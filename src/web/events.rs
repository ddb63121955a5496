//! Events: the station's events as server-sent events, resumable.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        Sse,
        sse::{Event as SseEvent, KeepAlive},
    },
};
use serde_json::Value;
use tokio_stream::{Stream, StreamExt, iter, wrappers::ReceiverStream};

use super::{Backstage, state};
use crate::{event::Envelope, subscribers::EventReceiver};

/// A comment line goes out this often, so that proxies and dead peers are noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Events between the station and one connection's socket.
const WINDOW: usize = 16;

pub(super) async fn follow(
    State(backstage): State<Backstage>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<SseEvent, Infallible>>> {
    let run = backstage.run.clone();
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let known = last.and_then(|id| id.strip_prefix(run.as_str())?.strip_prefix('-')?.parse().ok());
    let subscribers = backstage.manager.subscribers();
    let (first, receiver) = match known.and_then(|seq| subscribers.since(seq)) {
        Some((missed, receiver)) => {
            (missed.iter().map(|envelope| event(&run, envelope)).collect(), receiver)
        }
        None if last.is_some() => {
            let receiver = subscribers.subscribe();
            let seq = subscribers.last_seq();
            let now = state::snapshot(&backstage);
            (vec![reset(&run, seq, &now)], receiver)
        }
        None => (Vec::new(), subscribers.subscribe()),
    };
    let stream = iter(first).chain(live(receiver, run)).map(Ok);
    Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// Follows the station until it stops or the connection goes.
fn live(mut receiver: EventReceiver, run: String) -> ReceiverStream<SseEvent> {
    let (sender, stream) = tokio::sync::mpsc::channel(WINDOW);
    tokio::spawn(async move {
        loop {
            let envelope = tokio::select! {
                next = receiver.next() => next,
                () = sender.closed() => break,
            };
            let Ok(envelope) = envelope else { break };
            if sender.send(event(&run, &envelope)).await.is_err() {
                break;
            }
        }
    });
    ReceiverStream::new(stream)
}

fn event(run: &str, envelope: &Envelope) -> SseEvent {
    let data = serde_json::to_value(envelope).unwrap_or_default();
    let name = data.get("event").and_then(Value::as_str).unwrap_or("message").to_owned();
    SseEvent::default().id(format!("{run}-{}", envelope.seq)).event(name).data(data.to_string())
}

fn reset(run: &str, seq: u64, state: &Value) -> SseEvent {
    SseEvent::default().id(format!("{run}-{seq}")).event("reset").data(state.to_string())
}
