//! What an administrator may ask for, by the last part of the path.

/// A request of the administration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Stats,
    ListMounts,
    StreamList,
    /// One mount a line, for relays.
    StreamListText,
    ListClients,
    KillClient,
    KillSource,
    MoveClients,
    Fallbacks,
    Metadata,
    UpdateMetadata,
    BuildM3u,
}

/// A command, and how the answer shall look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) command: Command,
    /// For people: the `.xsl` variant.
    pub(super) is_page: bool,
}

/// Those that have a page have it under the same name with `.xsl` behind it.
const COMMANDS: [(&str, Command, bool); 12] = [
    ("stats", Command::Stats, true),
    ("listmounts", Command::ListMounts, true),
    ("streamlist", Command::StreamList, false),
    ("streamlist.txt", Command::StreamListText, false),
    ("listclients", Command::ListClients, true),
    ("killclient", Command::KillClient, true),
    ("killsource", Command::KillSource, true),
    ("moveclients", Command::MoveClients, true),
    ("fallbacks", Command::Fallbacks, true),
    ("metadata", Command::Metadata, true),
    ("updatemetadata", Command::UpdateMetadata, true),
    ("buildm3u", Command::BuildM3u, false),
];

impl Asked {
    /// The command of a whole path; nothing where there is no such one. `/admin/` alone is the page
    /// of the statistics.
    pub(super) fn parse(path: &[u8]) -> Option<Self> {
        let name = path.strip_prefix(b"/admin/")?;
        if name.is_empty() {
            return Some(Self { command: Command::Stats, is_page: true });
        }
        COMMANDS.iter().find_map(|(known, command, has_page)| {
            let rest = name.strip_prefix(known.as_bytes())?;
            let is_page = rest == b".xsl";
            let fits = rest.is_empty() || (is_page && *has_page);
            fits.then_some(Self { command: *command, is_page })
        })
    }
}

impl Command {
    /// Somebody hears or sees something else afterwards.
    pub(super) fn changes(self) -> bool {
        match self {
            Self::KillClient
            | Self::KillSource
            | Self::MoveClients
            | Self::Fallbacks
            | Self::Metadata => true,
            Self::Stats
            | Self::ListMounts
            | Self::StreamList
            | Self::StreamListText
            | Self::ListClients
            | Self::UpdateMetadata
            | Self::BuildM3u => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_are_icecasts() {
        let parse =
            |path: &str| Asked::parse(path.as_bytes()).map(|asked| (asked.command, asked.is_page));
        assert_eq!(parse("/admin/"), Some((Command::Stats, true)));
        assert_eq!(parse("/admin/stats"), Some((Command::Stats, false)));
        assert_eq!(parse("/admin/stats.xsl"), Some((Command::Stats, true)));
        assert_eq!(parse("/admin/streamlist.txt"), Some((Command::StreamListText, false)));
        for wrong in ["/admin/stats.txt", "/admin/streamlist.xsl", "/admin/buildm3u.xsl", "/admin"]
        {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!(parse("/admin/!POKE"), None);
    }
}
