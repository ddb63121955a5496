//! Icecast's administration over real sockets: its answers, its logins, and what hostile texts do to them.

use std::{fs, io::Write, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use musicdb_stream::{icy::METAINT, server::ServerOptions};
use serde_json::Value;

use crate::{
    access_log::lines,
    support::{
        home::Home,
        radio::{Radio, head, options, rest, take_apart, wait_until},
        served::Served,
    },
};

pub(crate) const ADMIN: &str = "admin:admin-secret";
const XML: &str = "text/xml; charset=utf-8";
const PAGE: &str = "text/xml; charset=UTF-8";
const HTML: &str = "text/html; charset=utf-8";

pub(crate) fn admin_options() -> ServerOptions {
    ServerOptions {
        admin_password: "admin-secret".into(),
        source_password: "source-secret".into(),
        relay_password: "relay-secret".into(),
        ..options()
    }
}

fn radio() -> Radio {
    Radio::on_air(admin_options(), 200)
}

/// Head and body of the answer to a request with this login and these further lines.
pub(crate) fn ask(
    radio: &Radio,
    method: &str,
    path: &str,
    login: &str,
    lines: &str,
) -> (String, String) {
    let login = match login {
        "" => String::new(),
        login => format!("Authorization: Basic {}\r\n", STANDARD.encode(login)),
    };
    let request = format!("{method} {path} HTTP/1.1\r\nHost: radio:1\r\n{login}{lines}\r\n");
    let mut stream = radio.send(&request);
    let head = head(&mut stream);
    (head, String::from_utf8(rest(stream)).unwrap())
}

fn get(radio: &Radio, path: &str) -> (String, String) {
    ask(radio, "GET", &format!("/admin/{path}"), ADMIN, "")
}

#[test]
fn every_request_has_icecasts_status_type_and_words() {
    let radio = radio();
    let cases = [
        ("stats", 200, XML, "<icestats><admin>icemaster@localhost</admin><client_connections>"),
        ("stats?mount=/stream", 200, XML, "<source mount=\"/stream\"><audio_info>"),
        ("stats?mount=/none", 400, HTML, "<b>400 - Source does not exist</b>"),
        (
            "listmounts",
            200,
            XML,
            "<icestats><source mount=\"/stream\"><fallback></fallback><listeners>0</listeners><Connected>",
        ),
        ("streamlist", 200, XML, "<content-type>audio/mpeg</content-type></source></icestats>\n"),
        ("streamlist.txt", 200, "text/plain; charset=utf-8", "/stream\r\n"),
        ("listclients", 400, HTML, "400 - Unknown admin request"),
        ("listclients?mount=/none", 400, HTML, "Source does not exist"),
        (
            "listclients?mount=/stream",
            200,
            XML,
            "<icestats><source mount=\"/stream\"><Listeners>0</Listeners></source></icestats>",
        ),
        ("killclient?mount=/stream", 400, HTML, "400 - Missing parameter"),
        (
            "killclient?mount=/stream&id=99",
            200,
            XML,
            "<iceresponse><message>Client 99 not found</message><return>0</return></iceresponse>",
        ),
        ("killclient?mount=/stream&id=abc", 200, XML, "<message>Client 0 not found</message>"),
        ("killclient?mount=/none&id=1", 400, HTML, "Source does not exist"),
        ("killsource", 400, HTML, "Unknown admin request"),
        ("killsource?mount=/none", 400, HTML, "Source does not exist"),
        ("killsource?mount=/stream", 400, HTML, "the station itself feeds it"),
        (
            "moveclients?mount=/stream",
            200,
            XML,
            "<icestats><current_source>/stream</current_source></icestats>",
        ),
        ("moveclients?mount=/stream&destination=/none", 400, HTML, "No such destination"),
        (
            "moveclients?mount=/stream&destination=/stream.mp3",
            400,
            HTML,
            "supplied mountpoints are identical",
        ),
        ("fallbacks?mount=/stream", 400, HTML, "Missing parameter"),
        (
            "fallbacks?mount=/stream&fallback=/live",
            200,
            HTML,
            "<html><head><title>Admin request successful</title></head><body><p>Fallback configured</p></body></html>",
        ),
        ("metadata?mount=/stream", 400, HTML, "Missing parameter"),
        (
            "metadata?mount=/stream&mode=x",
            200,
            XML,
            "<message>No such action</message><return>0</return>",
        ),
        ("metadata?mount=/none&mode=updinfo&song=a", 400, HTML, "Source does not exist"),
        (
            "metadata?mount=/stream&mode=updinfo&song=a",
            200,
            XML,
            "<?xml version=\"1.0\"?>\n<iceresponse><message>Metadata update successful</message><return>1</return></iceresponse>\n",
        ),
        (
            "updatemetadata?mount=/stream",
            200,
            XML,
            "<icestats><source mount=\"/stream\"/></icestats>",
        ),
        ("updatemetadata", 400, HTML, "Unknown admin request"),
        (
            "buildm3u?username=u&password=p&mount=/stream",
            200,
            "audio/x-mpegurl",
            "http://u:p@radio:1/stream\r\n",
        ),
        ("buildm3u?username=u&mount=/stream", 400, HTML, "Missing parameter"),
        ("manageauth?mount=/stream", 400, HTML, "Unrecognised command"),
        ("nothing", 400, HTML, "400 - Unrecognised command"),
        ("stats.txt", 400, HTML, "Unrecognised command"),
        ("streamlist.xsl", 400, HTML, "Unrecognised command"),
        ("", 200, PAGE, "<h2>source /stream</h2>"),
        ("stats.xsl", 200, PAGE, "<td>server_id</td>"),
        ("listmounts.xsl", 200, PAGE, "<td>content-type</td><td>audio/mpeg</td>"),
        ("listclients.xsl?mount=/stream", 200, PAGE, "<td>Listeners</td><td>0</td>"),
        ("moveclients.xsl?mount=/stream", 200, PAGE, "<td>current_source</td>"),
        ("killclient.xsl?mount=/stream&id=9", 200, PAGE, "<td>Client 9 not found</td>"),
        ("updatemetadata.xsl?mount=/stream", 200, PAGE, "action=\"/admin/metadata.xsl\""),
        (
            "metadata.xsl?mount=/stream&mode=updinfo&song=a",
            200,
            PAGE,
            "<td>Metadata update successful</td>",
        ),
    ];
    for (path, status, kind, body) in cases {
        let (head, got) = get(&radio, path);
        assert!(head.starts_with(&format!("HTTP/1.0 {status} ")), "{path}: {head}");
        assert!(head.contains(&format!("\r\nContent-Type: {kind}\r\n")), "{path}: {head}");
        assert!(head.contains("\r\nCache-Control: no-cache, no-store\r\n"), "{path}: {head}");
        assert!(got.contains(body), "{path}: {got}");
    }
}

#[test]
fn without_a_login_everything_is_401_and_nothing_404() {
    let radio = radio();
    for path in [
        "stats",
        "listmounts",
        "streamlist.txt",
        "killsource?mount=/stream",
        "metadata?mode=updinfo&mount=/stream&song=a",
        "nothing",
        "!POKE",
        "",
        "buildm3u",
    ] {
        let (head, body) = ask(&radio, "GET", &format!("/admin/{path}"), "", "");
        assert!(head.starts_with("HTTP/1.0 401 Authentication Required\r\n"), "{path}: {head}");
        assert!(
            head.contains("\r\nWWW-Authenticate: Basic realm=\"Icecast2 Server\"\r\n"),
            "{head}"
        );
        assert_eq!(body, "You need to authenticate\r\n");
    }
    assert_eq!(&*radio.relay.newest_title(), "");
}

#[test]
fn only_get_and_options_are_known() {
    let radio = radio();
    for method in ["HEAD", "POST", "DELETE"] {
        let (head, body) = ask(&radio, method, "/admin/stats", ADMIN, "");
        assert!(head.starts_with("HTTP/1.0 400 "), "{method}: {head}");
        assert_eq!(body.is_empty(), method == "HEAD", "{method}: {body}");
    }
    let (head, _) = ask(&radio, "OPTIONS", "/admin/metadata", "", "");
    assert!(
        head.starts_with("HTTP/1.0 204 ") && head.contains("Allow: GET, OPTIONS\r\n"),
        "{head}"
    );
}

#[test]
fn a_relays_login_sees_the_streams_and_where_it_has_no_password_the_sources_holds() {
    let radio = radio();
    let listed = |radio: &Radio, login| ask(radio, "GET", "/admin/streamlist.txt", login, "");
    assert_eq!(listed(&radio, "relay:relay-secret").1, "/stream\r\n");
    assert!(listed(&radio, "relay:source-secret").0.starts_with("HTTP/1.0 401 "));
    let none = ServerOptions { relay_password: "".into(), ..admin_options() };
    let radio = Radio::on_air(none, 1);
    assert_eq!(listed(&radio, "relay:source-secret").1, "/stream\r\n");
    assert!(listed(&radio, "relay:").0.starts_with("HTTP/1.0 401 "));
}

#[test]
fn a_title_reaches_listeners_and_documents_and_breaks_out_of_none() {
    let mut radio = radio();
    let (_, stream) = radio.listen("/stream?burst=0", "Icy-MetaData: 1\r\n");
    radio.wait_for_count(1);
    let evil = "</title><x>&\"\\ ';StreamUrl='http://evil/';\r\nX-Evil: 1\u{1}Ä";
    let encoded: String = evil.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let (_, done) = get(&radio, &format!("metadata?mount=/stream&mode=updinfo&song={encoded}"));
    assert!(done.contains("Metadata update successful"), "{done}");
    let shown = evil.replace(char::is_control, " ");
    let (_, stats) = get(&radio, "stats");
    let escaped = shown
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('Ä', "&#xC4;");
    assert!(stats.contains(&format!("<title>{escaped}</title>")), "{stats}");
    let status: Value = serde_json::from_str(&radio.ask("GET", "/status-json.xsl").1).unwrap();
    assert_eq!(status["icestats"]["source"]["title"], shown.as_str());
    let page = get(&radio, "stats.xsl").1;
    assert!(!page.contains("<x>") && page.contains("&lt;x&gt;"), "{page}");
    radio.push(100, None);
    radio.relay.close();
    let (_, titles) = take_apart(&rest(stream), METAINT);
    assert_eq!(titles.last().unwrap().1, shown.replace("';", "' ;"));
}

#[test]
fn names_and_queries_that_hold_line_ends_make_no_header_and_no_line() {
    let radio = radio();
    let evil = "%0d%0aX-Evil:%201%0d%0a%0d%0a<script>";
    for path in [
        format!("stats?mount=/{evil}"),
        format!("killclient?mount=/stream&id={evil}"),
        format!("moveclients?mount=/stream&destination={evil}"),
        format!("fallbacks?mount=/stream&fallback=/{evil}"),
        format!("metadata?mount=/stream&mode={evil}"),
        format!("buildm3u?username={evil}&password={evil}&mount=/{evil}"),
        format!("buildm3u?username=u&password=p&mount={evil}"),
        evil.to_owned(),
        "listmounts".to_owned(),
        "listmounts.xsl".to_owned(),
        "stats?&&=&%&mount".to_owned(),
    ] {
        let (head, body) = get(&radio, &path);
        assert!(!head.to_lowercase().contains("x-evil"), "{path}: {head}");
        assert!(!body.contains("\nX-Evil") && !body.contains("<script>"), "{path}: {body}");
        if path.starts_with("buildm3u") {
            assert_eq!(body.lines().count(), 1, "{body}");
        }
    }
}

#[test]
fn a_password_that_is_guessed_at_is_not_looked_at_any_more() {
    let radio = radio();
    let status = |login| ask(&radio, "GET", "/admin/stats", login, "").0;
    (0..9).for_each(|_| assert!(status("admin:wrong").starts_with("HTTP/1.0 401 ")));
    assert!(status(ADMIN).starts_with("HTTP/1.0 200 "));
    (0..10).for_each(|_| assert!(status("admin:wrong").starts_with("HTTP/1.0 401 ")));
    let locked = status(ADMIN);
    assert!(
        locked.starts_with("HTTP/1.0 401 ") && locked.contains("\r\nRetry-After: "),
        "{locked}"
    );
    // Those who only listen have nothing to do with it.
    assert!(radio.listen("/stream", "").0.starts_with("HTTP/1.0 200 "));
}

#[test]
fn connections_are_counted_truly() {
    let radio = radio();
    let number = |stats: &str, key: &str| -> u64 {
        let (_, rest) = stats.split_once(&format!("<{key}>")).unwrap();
        rest.split('<').next().unwrap().parse().unwrap()
    };
    let kept = [radio.listen("/stream", ""), radio.listen("/stream", "")];
    drop(radio.listen("/stream", ""));
    radio.wait_for_count(2);
    radio.ask("GET", "/status-json.xsl");
    radio.ask("HEAD", "/stream");
    let source = radio.ask("SOURCE", "/live").0;
    assert!(source.starts_with("HTTP/1.0 401 "), "{source}");
    let mut stats = String::new();
    // The connections before this one are let go a moment after their answers.
    wait_until("only listeners and this request are there", || {
        stats = get(&radio, "stats").1;
        number(&stats, "clients") == 3
    });
    let asked = number(&stats, "client_connections");
    assert_eq!(number(&stats, "connections"), asked + 1, "{stats}");
    assert!(asked >= 6, "{stats}");
    assert_eq!(number(&stats, "listener_connections"), 3);
    assert_eq!(number(&stats, "listeners"), 2);
    assert_eq!(number(&stats, "source_total_connections"), 0);
    assert_eq!(number(&stats, "sources"), 1);
    let (_, source) = stats.split_once("<source ").unwrap();
    assert_eq!((number(source, "listeners"), number(source, "listener_peak") >= 2), (2, true));
    drop(kept);
}

#[test]
fn a_listener_that_is_killed_hears_the_end() {
    let radio = radio();
    let (_, stream) = radio.listen("/stream", "User-Agent: <player>\r\n");
    let (_, other) = radio.listen("/stream", "");
    radio.wait_for_count(2);
    let list = get(&radio, "listclients?mount=/stream").1;
    assert!(
        list.contains("<IP>127.0.0.1</IP><UserAgent>&lt;player&gt;</UserAgent><Connected>"),
        "{list}"
    );
    assert!(
        list.contains("<ID>1</ID></listener><listener><IP>127.0.0.1</IP><Connected>"),
        "{list}"
    );
    let killed = get(&radio, "killclient?mount=/stream&id=1").1;
    assert!(killed.contains("<message>Client 1 removed</message><return>1</return>"), "{killed}");
    assert!(!rest(stream).is_empty());
    radio.wait_for_count(1);
    drop(other);
}

#[test]
fn the_program_takes_its_passwords_and_its_log_from_the_configuration() {
    let home = Home::with_songs(1);
    let config = home.file(
        "conf/c.toml",
        b"[server]\nrelay_password = \"over there\"\naccess_log = \"access.log\"\n",
    );
    let served = Served::start(&home.data(), &["--play"], &["--config", config.to_str().unwrap()]);
    let made = fs::read_to_string(home.data().join("admin.password")).unwrap();
    let ask = |login: &str, path: &str| {
        let mut socket = std::net::TcpStream::connect(served.address).unwrap();
        let login = STANDARD.encode(login);
        write!(socket, "GET /admin/{path} HTTP/1.0\r\nAuthorization: Basic {login}\r\n\r\n")
            .unwrap();
        String::from_utf8(rest(socket)).unwrap()
    };
    let stats = ask(&format!("admin:{}", made.trim()), "stats");
    assert!(stats.contains("<source mount=\"/stream\">"), "{stats}");
    assert!(ask("relay:over there", "streamlist.txt").ends_with("\r\n\r\n/stream\r\n"));
    assert!(ask("admin:", "stats").starts_with("HTTP/1.0 401 "));
    assert_eq!(lines(&home.path("conf/access.log"), 3).len(), 3);
    served.terminate();
}

#[test]
fn every_row_of_the_compatibility_table_names_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(root.join("docs/icecast-compat.md")).unwrap();
    let mut rows = 0;
    for line in table.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        if cells[0] == "request" {
            continue;
        }
        assert_eq!(cells.len(), 4, "{line}");
        assert!(["yes", "no", "differs"].contains(&cells[1]), "{line}");
        assert!(cells[1] == "yes" || cells[2].len() > 20, "no reason: {line}");
        let tests: Vec<&str> = cells[3].split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "no test: {line}");
        for test in tests {
            let (file, name) = test.rsplit_once("::").expect(line);
            let file =
                if file.contains('/') { file.to_owned() } else { format!("tests/it/{file}.rs") };
            let text =
                fs::read_to_string(root.join(&file)).unwrap_or_else(|_| panic!("{line}: {file}"));
            assert!(text.contains(&format!("fn {name}(")), "{file} has no test {name}");
        }
        rows += 1;
    }
    assert!(rows > 50, "only {rows} rows were understood");
}
