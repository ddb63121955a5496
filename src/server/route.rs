//! From a request to what is done with it; pure.

use super::{options::ServerOptions, request::Request};
use crate::icy::{Answer, Burst, Playlist};

/// The mount that is always there, whatever else is configured.
const STANDARD_MOUNT: &str = "/stream";
/// Some hardware players want a name that ends so.
const SUFFIX: &str = ".mp3";
const MOUNT_METHODS: &str = "GET, HEAD, OPTIONS";
/// What libshout looks for: without PUT and POST it takes the ways that every Icecast knows.
const SERVER_METHODS: &str = "GET, HEAD, OPTIONS, SOURCE";

/// What is done with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// The stream; `Range` is not looked at, because a live stream has no places to go to.
    Listen { mount: String, titles: bool, burst: Burst },
    /// The head of the stream, for `HEAD`.
    StreamHead { titles: bool },
    /// The address of a mount.
    Playlist { kind: Playlist, mount: String },
    /// `status-json.xsl`.
    Status,
    /// An answer that needs to know nothing.
    Answer(Answer),
    /// Not ours: the page, the API.
    HandOver,
}

/// The names that listeners reach the stream by.
#[derive(Debug, Clone)]
pub(super) struct Mounts {
    names: Vec<String>,
    /// As the options name it, with its slash.
    main: String,
}

impl Mounts {
    pub(super) fn of(options: &ServerOptions) -> Self {
        let main = format!("/{}", options.mount.trim_start_matches('/'));
        let mut names = Vec::new();
        for name in [main.as_str(), STANDARD_MOUNT] {
            names.push(name.to_owned());
            if !name.ends_with(SUFFIX) {
                names.push(format!("{name}{SUFFIX}"));
            }
        }
        Self { names, main }
    }

    pub(super) fn main(&self) -> &str {
        &self.main
    }

    fn mount(&self, path: &[u8]) -> Option<&str> {
        self.names.iter().map(String::as_str).find(|name| name.as_bytes() == path)
    }

    fn playlist(&self, path: &[u8]) -> Option<(Playlist, &str)> {
        Playlist::ALL.into_iter().find_map(|kind| {
            let mount = self.mount(path.strip_suffix(kind.suffix().as_bytes())?)?;
            Some((kind, mount))
        })
    }
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
        return Route::Answer(refused_source(request));
    }
    if path.starts_with(b"/admin/") {
        return Route::Answer(Answer::login_wanted());
    }
    if path == b"*" {
        return Route::Answer(match method {
            "OPTIONS" => Answer::allowed(SERVER_METHODS),
            _ => Answer::error_page(400, "Only OPTIONS asks about the server itself"),
        });
    }
    let is_status = path == b"/status-json.xsl";
    let mount = mounts.mount(path);
    let playlist = mounts.playlist(path);
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
        (_, _, Some((kind, mount))) => Route::Playlist { kind, mount: mount.to_owned() },
        ("HEAD", ..) => Route::StreamHead { titles: request.wants_titles },
        _ => Route::Listen {
            mount: mount.unwrap_or(STANDARD_MOUNT).to_owned(),
            titles: request.wants_titles,
            burst: request
                .argument("burst")
                .and_then(Burst::parse)
                .unwrap_or_else(|| Burst::of(options.burst)),
        },
    }
}

/// Source clients first ask without a login and want to be asked for one; then they are told.
fn refused_source(request: &Request) -> Answer {
    if request.has_login {
        Answer::error_page(403, "This server makes its own stream and takes no source")
    } else {
        Answer::login_wanted()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn decide_with(options: &ServerOptions, method: &str, path: &str) -> Route {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let request = Request {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            ..Request::default()
        };
        route(&request, &Mounts::of(options), options)
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
    fn the_mount_has_an_alias_and_the_standard_name_beside_the_configured_one() {
        let options = ServerOptions { mount: "radio".into(), ..ServerOptions::default() };
        for name in ["/radio", "/radio.mp3", "/stream", "/stream.mp3"] {
            let Route::Listen { mount, .. } = decide_with(&options, "GET", name) else {
                panic!("{name}");
            };
            assert_eq!(mount, name);
        }
        assert_eq!(decide_with(&options, "GET", "/radio2"), Route::HandOver);
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
        ] {
            assert_eq!(decide(method, path), Route::HandOver, "{method} {path}");
        }
    }

    #[test]
    fn what_source_clients_try_first_is_never_404() {
        assert_eq!(status_of(decide("OPTIONS", "*")), 204);
        assert_eq!(status_of(decide("GET", "/admin/!POKE")), 401);
        assert_eq!(status_of(decide("SOURCE", "/live")), 401);
        assert_eq!(status_of(decide("PUT", "/live")), 401);
        let with_login = Request {
            method: "SOURCE".into(),
            path: "/live".into(),
            has_login: true,
            ..Request::default()
        };
        let options = ServerOptions::default();
        assert_eq!(status_of(route(&with_login, &Mounts::of(&options), &options)), 403);
    }

    #[test]
    fn a_disabled_mount_is_not_there_but_the_status_is() {
        let options = ServerOptions { disabled: true, ..ServerOptions::default() };
        assert_eq!(status_of(decide_with(&options, "GET", "/stream")), 404);
        assert_eq!(status_of(decide_with(&options, "HEAD", "/stream.mp3")), 404);
        assert_eq!(status_of(decide_with(&options, "GET", "/stream.m3u")), 404);
        assert_eq!(decide_with(&options, "GET", "/status-json.xsl"), Route::Status);
    }

    #[test]
    fn writing_to_the_mount_is_refused() {
        assert_eq!(status_of(decide("POST", "/stream")), 405);
        assert_eq!(status_of(decide("DELETE", "/status-json.xsl")), 405);
    }
}
