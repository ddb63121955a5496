//! The handshake: what a source client's request is answered, and what is taken from it.
//!
//! ```text
//! SOURCE, good login             HTTP/1.0 200 OK
//! PUT with Expect, good login    HTTP/1.1 100 Continue, then HTTP/1.0 200 OK
//! PUT, good login                HTTP/1.0 200 OK at once: liquidsoap waits for it before it sends
//! no login, or another           401
//! what cannot be                 403 with the reason, in Icecast 2.4's words where it has them
//! ```
//!
//! Icecast 2.4 puts a `Content-Length: 0` into its `100 Continue`; RFC 9110 section 15.2 allows no
//! content there, and we leave the line out.

use super::{codec::Codec, said};
use crate::{
    config::Password,
    icy::{Answer, Playlist},
    server::{mount::About, options::ServerOptions, request::Request},
};

/// Longest name of a mount: bytes.
const MAX_MOUNT: usize = 255;
/// Largest interval of a source's own titles: audio bytes.
const MAX_METAINT: usize = 1 << 20;
/// What is none of a source's: the page, the API, what Icecast has there.
const RESERVED: [&[u8]; 6] =
    [b"/", b"/page.css", b"/page.js", b"/health", b"/metrics", b"/status-json.xsl"];
const RESERVED_FOLDERS: [&[u8]; 2] = [b"/api/", b"/admin/"];

const OK: &[u8] = b"HTTP/1.0 200 OK\r\n\r\n";
const CONTINUE_AND_OK: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\n";

/// A source client that may send, if its mount is free.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub(super) mount: String,
    pub(super) codec: Codec,
    pub(super) about: About,
    /// `ice-audio-info` as it came.
    pub(super) audio_info: String,
    pub(super) user: String,
    pub(super) user_agent: String,
    /// Audio bytes between its own titles, where it sends such.
    pub(super) metaint: Option<usize>,
    /// Its body comes in chunks.
    pub(super) is_chunked: bool,
    /// It waits for `100 Continue`.
    pub(super) expects: bool,
}

impl Offer {
    /// What tells it to send.
    pub(super) fn welcome(&self) -> &'static [u8] {
        if self.expects { CONTINUE_AND_OK } else { OK }
    }
}

/// Judges a `SOURCE` or `PUT` by its head alone. `is_main`: it asks for the station's own mount.
///
/// # Errors
/// What it is answered instead.
pub(super) fn judge(
    request: &Request,
    is_main: bool,
    (user, password): (&str, &Password),
    options: &ServerOptions,
) -> Result<Offer, Answer> {
    if options.disabled {
        return Err(Answer::error_page(404, "The file you requested could not be found"));
    }
    let login = request.login.as_ref();
    let good = login.filter(|login| login.is(user, password));
    let user = good.map(|login| login.user().to_owned()).ok_or_else(Answer::login_wanted)?;
    // Icecast 2.4 asks for a login where a slash is missing; clients know that as "refused".
    if !request.path.starts_with(b"/") {
        return Err(Answer::login_wanted());
    }
    let mount = mount_name(&request.path).ok_or_else(|| {
        Answer::error_page(403, "This name cannot be a mount. Choose another, such as /live")
    })?;
    let is_put = request.method == "PUT";
    let content_type = match request.header("content-type").filter(|said| !said.is_empty()) {
        Some(said) => said.to_owned(),
        None if is_put => return Err(Answer::error_page(403, "No Content-type given")),
        None => "audio/mpeg".to_owned(),
    };
    let codec = Codec::of(&content_type);
    if is_main && codec != Codec::Mp3 {
        let reason = "The station's own mount takes MP3 (audio/mpeg) alone. Choose another mount";
        return Err(Answer::error_page(403, reason));
    }
    let is_chunked = match request.header("transfer-encoding") {
        None => false,
        Some(coding) if coding.eq_ignore_ascii_case("identity") => false,
        Some(coding) if coding.eq_ignore_ascii_case("chunked") => true,
        Some(_) => return Err(Answer::error_page(501, "This Transfer-Encoding is not known")),
    };
    let expects = request.header("expect").is_some_and(|e| e.eq_ignore_ascii_case("100-continue"));
    let metaint = request.header("icy-metaint").and_then(|said| said.parse().ok());
    Ok(Offer {
        mount,
        codec,
        about: said::about(request, content_type),
        audio_info: said::audio_info(request),
        user,
        user_agent: request.user_agent.clone().unwrap_or_default(),
        metaint: metaint.filter(|interval| (1..=MAX_METAINT).contains(interval)),
        is_chunked,
        expects: is_put && expects,
    })
}

/// The path as the name of a mount, unless something else lives there.
fn mount_name(path: &[u8]) -> Option<String> {
    let is_reserved = RESERVED.contains(&path)
        || RESERVED_FOLDERS.iter().any(|folder| path.starts_with(folder))
        || Playlist::ALL.iter().any(|kind| path.ends_with(kind.suffix().as_bytes()));
    if is_reserved || path.len() > MAX_MOUNT {
        return None;
    }
    let name = std::str::from_utf8(path).ok()?;
    (!name.contains(char::is_control)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::request::{Head, read_head};

    /// `source:secret`.
    const LOGIN: &str = "Authorization: Basic c291cmNlOnNlY3JldA==\r\n";

    fn judged(line: &str, headers: &str) -> Result<Offer, (u16, String)> {
        let head = format!("{line}\r\n{headers}\r\n");
        let Ok(Head::Whole(request)) = read_head(head.as_bytes(), 0) else { panic!("{head}") };
        let options = ServerOptions {
            source_password: "secret".to_owned().into(),
            admin_password: "admin".to_owned().into(),
            ..ServerOptions::default()
        };
        judge(&request, request.path == b"/stream", ("source", &options.source_password), &options)
            .map_err(|answer| (answer.status, answer.body))
    }

    fn refusal(line: &str, headers: &str) -> (u16, String) {
        judged(line, headers).unwrap_err()
    }

    #[test]
    fn each_way_of_asking_gets_its_own_welcome() {
        let welcome = |line: &str, headers: &str| {
            let headers = format!("{LOGIN}Content-Type: audio/mpeg\r\n{headers}");
            String::from_utf8(judged(line, &headers).unwrap().welcome().to_vec()).unwrap()
        };
        for line in ["SOURCE /live HTTP/1.0", "SOURCE /live ICE/1.0", "PUT /live HTTP/1.1"] {
            assert_eq!(welcome(line, ""), "HTTP/1.0 200 OK\r\n\r\n", "{line}");
        }
        let both = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\n";
        assert_eq!(welcome("PUT /live HTTP/1.1", "Expect: 100-Continue\r\n"), both);
        assert_eq!(
            welcome("SOURCE /live HTTP/1.0", "Expect: 100-continue\r\n"),
            "HTTP/1.0 200 OK\r\n\r\n"
        );
    }

    #[test]
    fn only_the_source_login_is_one() {
        for login in [
            "",
            // source:wrong, admin:admin, other:secret, source with no password
            "Authorization: Basic c291cmNlOndyb25n\r\n",
            "Authorization: Basic YWRtaW46YWRtaW4=\r\n",
            "Authorization: Basic b3RoZXI6c2VjcmV0\r\n",
            "Authorization: Basic c291cmNlOg==\r\n",
        ] {
            assert_eq!(refusal("SOURCE /live HTTP/1.0", login).0, 401, "{login}");
            assert_eq!(refusal("PUT /live HTTP/1.1", login).0, 401, "{login}");
        }
    }

    #[test]
    fn what_cannot_be_a_mount_is_refused() {
        assert_eq!(refusal("SOURCE live HTTP/1.0", LOGIN).0, 401);
        let long = format!("SOURCE /{} HTTP/1.0", "x".repeat(MAX_MOUNT));
        for line in [
            "SOURCE / HTTP/1.0",
            "PUT /admin/x HTTP/1.1",
            "SOURCE /live.m3u HTTP/1.0",
            &long,
            "SOURCE /a%0d%0ab HTTP/1.0",
            "SOURCE /%ff HTTP/1.0",
        ] {
            let headers = format!("{LOGIN}Content-Type: audio/mpeg\r\n");
            assert_eq!(refusal(line, &headers).0, 403, "{line}");
        }
    }

    #[test]
    fn a_put_must_say_what_it_brings_and_an_old_client_need_not() {
        let (status, body) = refusal("PUT /live HTTP/1.1", LOGIN);
        assert!(status == 403 && body.contains("No Content-type given"), "{body}");
        let offer = judged("SOURCE /live HTTP/1.0", LOGIN).unwrap();
        assert_eq!((offer.codec, offer.about.content_type.as_str()), (Codec::Mp3, "audio/mpeg"));
    }

    #[test]
    fn the_stations_mount_takes_mp3_alone() {
        let headers = format!("{LOGIN}Content-Type: application/ogg\r\n");
        let (status, body) = refusal("SOURCE /stream HTTP/1.0", &headers);
        assert!(status == 403 && body.contains("MP3"), "{body}");
        assert!(judged("SOURCE /live HTTP/1.0", &headers).is_ok());
        assert!(judged("SOURCE /stream HTTP/1.0", LOGIN).is_ok());
    }

    #[test]
    fn bodies_come_plain_or_in_chunks() {
        let offer = |coding: &str| {
            let headers =
                format!("{LOGIN}Content-Type: audio/aac\r\nTransfer-Encoding: {coding}\r\n");
            judged("PUT /live HTTP/1.1", &headers)
        };
        assert!(offer("Chunked").unwrap().is_chunked);
        assert!(!offer("identity").unwrap().is_chunked);
        assert_eq!(offer("gzip, chunked").unwrap_err().0, 501);
    }

    #[test]
    fn intervals_of_titles_that_make_no_sense_are_none() {
        let metaint = |said: &str| {
            judged("SOURCE /l HTTP/1.0", &format!("{LOGIN}icy-metaint: {said}\r\n"))
                .unwrap()
                .metaint
        };
        assert_eq!(metaint("8192"), Some(8192));
        for said in ["0", "-1", "x", "99999999999999999999", "2000000"] {
            assert_eq!(metaint(said), None, "{said}");
        }
    }
}
