//! From a request to what is done with it; pure.

use std::sync::Arc;

use super::{mount::Mount, mounts::Mounts, options::ServerOptions, request::Request};
use crate::icy::{Answer, Burst, Playlist};

const MOUNT_METHODS: &str = "GET, HEAD, OPTIONS";
/// What libshout looks for: with PUT here it sends its stream so. Without POST its titles come by GET.
const SERVER_METHODS: &str = "GET, HEAD, OPTIONS, PUT, SOURCE";

/// What is done with a request.
#[derive(Debug, Clone)]
pub(super) enum Route {
    /// The stream. `Range` is not looked at, as in Icecast 2.4: a live stream has no places to go to, and
    /// the endless 200 is what every player takes, those that send `bytes=0-` among them. Apple's
    /// player probes with `bytes=0-1` and, after a 200, asks again without a range and with
    /// `Icy-MetaData`; after a 206 it never asks for titles (icecast-kh issue 441) and takes the stream
    /// for a file of the length that it was told. The price: some of its versions keep the probe open
    /// beside the second request, and count twice for so long (icecast-kh issue 400).
    Listen { mount: Arc<Mount>, titles: bool, burst: Burst },
    /// The head of the stream, for `HEAD`.
    StreamHead { mount: Arc<Mount>, titles: bool },
    /// The address of a mount, under the name that was asked for.
    Playlist { kind: Playlist, name: String, mount: Arc<Mount> },
    /// `status-json.xsl`.
    Status,
    /// A source client, whose request is judged by the handshake.
    Source,
    /// Icecast's administration.
    Admin,
    /// An answer that needs to know nothing.
    Answer(Answer),
    /// Not ours: the page, the API.
    HandOver,
}

/// Decides.
pub(super) fn route(request: &Request, mounts: &Mounts, options: &ServerOptions) -> Route {
    let method = request.method.as_str();
    let path = request.path.as_slice();
    let is_read = matches!(method, "GET" | "HEAD");
    if path.starts_with(b"/api/") {
        return Route::HandOver;
    }
    if matches!(method, "SOURCE" | "PUT") {
        return Route::Source;
    }
    if path.starts_with(b"/admin/") {
        return Route::Admin;
    }
    if path == b"*" {
        return Route::Answer(match method {
            "OPTIONS" => Answer::allowed(SERVER_METHODS),
            _ => Answer::error_page(400, "Only OPTIONS asks about the server itself"),
        });
    }
    let is_status = path == b"/status-json.xsl";
    let mount = mounts.heard_as(path);
    let playlist = playlist(mounts, path);
    if !is_status && mount.is_none() && playlist.is_none() {
        return Route::HandOver;
    }
    match (method, mount, playlist) {
        ("OPTIONS", ..) => Route::Answer(Answer::allowed(MOUNT_METHODS)),
        _ if !is_read => Route::Answer(Answer {
            headers: format!("Allow: {MOUNT_METHODS}\r\n"),
            ..Answer::error_page(405, "The stream can only be read")
        }),
        _ if is_status => Route::Status,
        _ if options.disabled => {
            Route::Answer(Answer::error_page(404, "The file you requested could not be found"))
        }
        (_, Some(mount), _) => {
            let titles = request.wants_titles;
            if method == "HEAD" {
                return Route::StreamHead { mount, titles };
            }
            let asked = request.argument("burst").and_then(Burst::parse);
            let own = mount.rules().burst;
            let burst = asked.or(own).unwrap_or_else(|| Burst::of(options.burst));
            Route::Listen { mount, titles, burst }
        }
        (_, None, Some((kind, name, mount))) => Route::Playlist { kind, name, mount },
        (_, None, None) => Route::HandOver,
    }
}

/// The kind of a playlist, the name of its mount as it was asked for, and the mount.
fn playlist(mounts: &Mounts, path: &[u8]) -> Option<(Playlist, String, Arc<Mount>)> {
    Playlist::ALL.into_iter().find_map(|kind| {
        let name = path.strip_suffix(kind.suffix().as_bytes())?;
        let mount = mounts.heard_as(name)?;
        Some((kind, String::from_utf8(name.to_vec()).ok()?, mount))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::relay::Relay;

    fn decide_with(options: &ServerOptions, method: &str, path: &str) -> Route {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let request = Request {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            ..Request::default()
        };
        route(&request, &Mounts::of(options, Relay::new()), options)
    }

    fn decide(method: &str, path: &str) -> Route {
        decide_with(&ServerOptions::default(), method, path)
    }

    fn status_of(route: Route) -> u16 {
        match route {
            Route::Answer(answer) => answer.status,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_listener_may_choose_its_burst() {
        let burst = |path| match decide("GET", path) {
            Route::Listen { burst, .. } => burst,
            other => panic!("{other:?}"),
        };
        assert_eq!(burst("/stream"), Burst::of(Duration::from_secs(4)));
        assert_eq!(burst("/stream?a=b&burst=0.5"), Burst::of(Duration::from_millis(500)));
        assert_eq!(burst("/stream?burst=lots"), Burst::of(Duration::from_secs(4)));
    }

    #[test]
    fn playlists_stand_behind_every_name_of_the_mount() {
        for (path, kind) in [
            ("/stream.m3u", Playlist::M3u),
            ("/stream.mp3.pls", Playlist::Pls),
            ("/stream.xspf", Playlist::Xspf),
        ] {
            let got = decide("GET", path);
            assert!(matches!(got, Route::Playlist { kind: got, .. } if got == kind), "{path}");
        }
    }

    #[test]
    fn everything_else_is_handed_over() {
        for (method, path) in [
            ("GET", "/"),
            ("POST", "/api/v1/play"),
            ("PUT", "/api/v1/x"),
            ("GET", "/stream/"),
            ("OPTIONS", "/"),
            ("STATS", "/"),
            ("GET", "/status.xsl"),
            ("GET", "/stream.vclt"),
            ("GET", "/admin.cgi?mode=updinfo"),
        ] {
            assert!(matches!(decide(method, path), Route::HandOver), "{method} {path}");
        }
    }

    #[test]
    fn what_source_clients_try_first_is_never_404() {
        assert_eq!(status_of(decide("OPTIONS", "*")), 204);
        assert!(matches!(decide("GET", "/admin/!POKE"), Route::Admin));
        for (method, path) in [("SOURCE", "/live"), ("PUT", "/stream"), ("SOURCE", "live")] {
            assert!(matches!(decide(method, path), Route::Source), "{method} {path}");
        }
    }

    #[test]
    fn a_disabled_mount_is_not_there_but_the_status_is() {
        let options = ServerOptions { disabled: true, ..ServerOptions::default() };
        assert_eq!(status_of(decide_with(&options, "GET", "/stream")), 404);
        assert_eq!(status_of(decide_with(&options, "HEAD", "/stream.mp3")), 404);
        assert_eq!(status_of(decide_with(&options, "GET", "/stream.m3u")), 404);
        assert!(matches!(decide_with(&options, "GET", "/status-json.xsl"), Route::Status));
    }

    #[test]
    fn writing_to_the_mount_is_refused() {
        assert_eq!(status_of(decide("POST", "/stream")), 405);
        assert_eq!(status_of(decide("DELETE", "/status-json.xsl")), 405);
    }
}
