//! Settings that this version reads and does not act on, so that nobody waits for their effect.

use super::Config;

impl Config {
    /// The keys that were set to something else than their default and have no effect in this
    /// version.
    #[must_use]
    pub fn without_effect(&self) -> Vec<&'static str> {
        let default = Self::default();
        // A minimum length of 0 asks for nothing, which is what happens.
        let mut randy = self.randy.clone();
        if randy.min_song_length == 0 {
            randy.min_song_length = default.randy.min_song_length;
        }
        let differs = [
            ("directories.watch", self.directories.watch != default.directories.watch),
            ("randy", randy != default.randy),
            ("tracker", self.tracker != default.tracker),
        ];
        differs.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_set_and_does_nothing_is_named() {
        let mut config = Config::default();
        config.randy.min_song_length = 0;
        config.server.burst_seconds = 2.0;
        assert!(config.without_effect().is_empty());
        config.server.tls_listen = Some("127.0.0.1:8443".parse().unwrap());
        config.directories.watch = true;
        config.randy.no_disabled = false;
        assert_eq!(config.without_effect(), ["directories.watch", "randy"]);
    }
}
