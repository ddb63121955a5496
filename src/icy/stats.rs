//! Icecast's statistics in XML: what `/admin/stats` tells, element for element in Icecast's order,
//! which is that of the alphabet.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{
    status::{ServerFacts, SourceStatus},
    xml::Element,
};

/// Counters of the whole server. Those of connections count from its start on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ServerCounts {
    /// Requests that came from no source.
    pub client_connections: u64,
    /// Connections now, those that only bring a request among them.
    pub clients: u64,
    /// Connections in all.
    pub connections: u64,
    /// Those that were for a page.
    pub file_connections: u64,
    /// Listeners that were let in.
    pub listener_connections: u64,
    /// Listeners now.
    pub listeners: u64,
    /// Source clients that were let in.
    pub source_client_connections: u64,
    /// We relay nobody.
    pub source_relay_connections: u64,
    /// The two together.
    pub source_total_connections: u64,
    /// Mounts now.
    pub sources: u64,
    /// Nobody follows the statistics: we have no `STATS`.
    pub stats: u64,
    /// The same.
    pub stats_connections: u64,
}

/// What only administrators see of a mount, beside its [`SourceStatus`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SourceStats {
    /// What everyone sees.
    #[serde(flatten)]
    pub status: SourceStatus,
    /// Its name, with its slash.
    #[serde(skip)]
    pub mount: String,
    /// A number or `unlimited`.
    pub max_listeners: String,
    /// 1: directories may list it.
    pub public: u8,
    /// Listeners that were dropped because they were slow.
    pub slow_listeners: usize,
    /// Where its source client is; empty: the station itself feeds it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source_ip: String,
    /// Bytes that its source sent.
    pub total_bytes_read: u64,
    /// Bytes that its listeners took.
    pub total_bytes_sent: u64,
    /// What its source client calls itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user_agent: String,
}

/// The whole document.
#[must_use]
pub fn stats_xml(server: &ServerFacts, counts: &ServerCounts, sources: &[SourceStats]) -> Element {
    let mut globals = facts(server);
    globals.append(&mut facts(counts));
    let sources = sources.iter().map(|source| {
        Element::new("source").attribute("mount", &source.mount).with_all(texts(&facts(source)))
    });
    Element::new("icestats").with_all(texts(&globals)).with_all(sources)
}

/// The fields of a flat structure by their names; those that are null are none.
fn facts(of: &impl Serialize) -> BTreeMap<String, String> {
    // Strings and numbers under string keys: that cannot fail.
    let Ok(Value::Object(fields)) = serde_json::to_value(of) else { return BTreeMap::new() };
    let texts = fields.into_iter().filter_map(|(name, value)| match value {
        Value::Null => None,
        Value::String(text) => Some((name, text)),
        other => Some((name, other.to_string())),
    });
    texts.collect()
}

fn texts(facts: &BTreeMap<String, String>) -> Vec<Element> {
    facts.iter().map(|(name, text)| Element::text(name, text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::icy::{AudioInfo, StreamInfo};

    fn names(element: &Element) -> Vec<&str> {
        element.children().iter().map(Element::name).collect()
    }

    #[test]
    fn the_keys_stand_in_icecasts_order() {
        let stream = StreamInfo { url: "http://u/".into(), ..StreamInfo::default() };
        let audio = AudioInfo { bitrate: 128, sample_rate: 44_100, channels: 2 };
        let mut status = SourceStatus::new("audio/mpeg", &stream, &Some(audio).into());
        status.title = "t".into();
        let source = SourceStats {
            status,
            mount: "/live".into(),
            source_ip: "192.0.2.1".into(),
            user_agent: "encoder".into(),
            ..SourceStats::default()
        };
        let stats = stats_xml(&ServerFacts::default(), &ServerCounts::default(), &[source]);
        let globals = names(&stats);
        let expected = "admin client_connections clients connections file_connections host \
            listener_connections listeners location server_id server_start server_start_iso8601 \
            source_client_connections source_relay_connections source_total_connections sources stats \
            stats_connections source";
        assert_eq!(globals.join(" "), expected);
        let source = stats.children().last().unwrap();
        assert_eq!(source.value(), Some("/live"));
        let expected = "audio_info bitrate genre ice-bitrate ice-channels ice-samplerate \
            listener_peak listeners listenurl max_listeners public server_description server_name \
            server_type server_url slow_listeners source_ip stream_start stream_start_iso8601 title \
            total_bytes_read total_bytes_sent user_agent";
        assert_eq!(names(source).join(" "), expected);
    }
}
