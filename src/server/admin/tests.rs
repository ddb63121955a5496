//! The administration of several mounts, in process: no port is open here.

use std::{
    net::{IpAddr, TcpListener, TcpStream},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::sync::{Notify, mpsc};

use crate::{
    icy::{Answer, Burst, StreamInfo},
    relay::Relay,
    server::{
        Listeners, ServerOptions,
        access_log::AccessLog,
        connections::Connections,
        document::Documents,
        fan::{Fan, Seat},
        feeder::Feeder,
        guard::Guard,
        guest_list::GuestList,
        listener::Listener,
        login::Login,
        mount::{About, Mount},
        mounts::Mounts,
        registry::Visitor,
        relays::Relays,
        request::Request,
        tick::Epoch,
    },
};

const STUDIO: [u8; 4] = [192, 0, 2, 1];
const PATIENCE: Duration = Duration::from_secs(10);

/// A server without a port: the main mount `/stream`, and `/live` with a source client.
struct House {
    documents: Documents,
    fan: Fan,
    live: Arc<Mount>,
    /// Held by the fan's threads.
    _alive: mpsc::Receiver<()>,
}

impl House {
    fn new() -> Self {
        let options = ServerOptions {
            admin_password: "a".into(),
            source_password: "s".into(),
            relay_password: "r".into(),
            ..ServerOptions::default()
        };
        let mounts = Arc::new(Mounts::of(&options, Relay::new()));
        let (alive, ended) = mpsc::channel(1);
        let epoch = Epoch::new(Instant::now());
        let fan = Fan::start(Duration::from_millis(5), &mounts, epoch, &alive).unwrap();
        let documents = Documents {
            relays: Relays::of(&options.relays),
            guests: GuestList::of(&options),
            options,
            mounts,
            listeners: Listeners::new(10, 0),
            tls_local: None,
            local: ([127, 0, 0, 1], 8000).into(),
            started: SystemTime::now(),
            epoch,
            guard: Guard::default(),
            connections: Connections::default(),
            access_log: AccessLog::default(),
        };
        let live = Mount::new("/live", Relay::new(), About::mp3(StreamInfo::default()));
        live.set_feeder(Some(Arc::new(Feeder {
            address: STUDIO.into(),
            user: "source".into(),
            user_agent: "studio \"1\" <é>".into(),
            audio_info: "ice-bitrate=64".into(),
            end: Arc::new(Notify::new()),
        })));
        documents.mounts.open(&live).unwrap();
        Self { documents, fan, live, _alive: ended }
    }

    fn open(&self, name: &str, content_type: &str) -> Arc<Mount> {
        let about =
            About { content_type: content_type.into(), ..About::mp3(StreamInfo::default()) };
        let mount = Mount::new(name, Relay::new(), about);
        self.documents.mounts.open(&mount).unwrap();
        mount
    }

    fn ask_with(&self, login: &str, path: &str, peer: [u8; 4], headers: &[(&str, &str)]) -> Answer {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let basic = format!("Basic {}", STANDARD.encode(login));
        let headers =
            headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
        let request = Request {
            method: "GET".into(),
            path: format!("/admin/{path}").into(),
            query: query.into(),
            login: Login::basic(basic.as_bytes()).filter(|_| !login.is_empty()),
            headers: headers.collect(),
            ..Request::default()
        };
        super::answer(&self.documents, &self.fan, &request, IpAddr::from(peer))
    }

    fn ask(&self, path: &str) -> Answer {
        self.ask_with("admin:a", path, [127, 0, 0, 1], &[])
    }

    fn body(&self, path: &str) -> String {
        let answer = self.ask(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    /// A listener on `mount`, and its end of the connection.
    fn seat(&self, mount: &Arc<Mount>) -> TcpStream {
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(port.local_addr().unwrap()).unwrap();
        let server = port.accept().unwrap().0;
        server.set_nonblocking(true).unwrap();
        let (now, documents) = (Instant::now(), &self.documents);
        let visitor = Visitor { user_agent: "player", user: "anna", ..Visitor::default() };
        let place = documents.listeners.admit(STUDIO.into(), visitor, mount, now).unwrap();
        let burst = Burst::of(Duration::ZERO);
        let tick = documents.epoch.tick(now);
        let listener = Listener::new(mount, b"head".to_vec(), None, burst, tick);
        self.fan.take(Seat::new(server, listener, place)).unwrap();
        client
    }
}

fn wait_until(what: &str, done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn lists_name_every_mount_and_streamlists_leave_out_hidden_ones() {
    let house = House::new();
    let hidden = house.open("/hidden", "audio/mpeg");
    hidden.set_hidden(true);
    let mounts = house.body("listmounts");
    for name in ["/stream", "/live", "/hidden"] {
        assert!(
            mounts.contains(&format!("<source mount=\"{name}\"><fallback></fallback>")),
            "{mounts}"
        );
    }
    assert_eq!(house.body("streamlist.txt"), "/stream\r\n/live\r\n");
    let relay = house.ask_with("relay:r", "streamlist", STUDIO, &[]);
    assert!(relay.body.contains("/live") && !relay.body.contains("/hidden"), "{}", relay.body);
    assert!(house.body("streamlist").contains("/hidden"));
    let status = house.documents.status(&Request::default()).body;
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    let sources = status["icestats"]["source"].as_array().unwrap();
    assert_eq!(sources.len(), 2, "{status}");
    assert_eq!(sources[1]["audio_info"], "ice-bitrate=64");
}

#[test]
fn statistics_tell_of_a_source_what_it_said() {
    let house = House::new();
    house.live.set_title("a & b");
    let stats = house.body("stats?mount=/live");
    assert!(!stats.contains("mount=\"/stream\""), "{stats}");
    for expected in [
        "<sources>2</sources>",
        "<source_ip>192.0.2.1</source_ip>",
        "<user_agent>studio \"1\" &lt;&#xE9;&gt;</user_agent>",
        "<title>a &amp; b</title>",
        "<max_listeners>unlimited</max_listeners>",
    ] {
        assert!(stats.contains(expected), "{expected}: {stats}");
    }
    assert_eq!(house.ask("stats?mount=/none").status, 400);
}

#[test]
fn listeners_are_moved_to_mounts_that_sound_alike_only() {
    let house = House::new();
    let ogg = house.open("/ogg", "application/ogg");
    let _client = house.seat(&house.live);
    let refused = |path: &str, reason: &str| {
        let answer = house.ask(path);
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.body.contains(reason), "{path}: {}", answer.body);
    };
    refused("moveclients?mount=/live&destination=/ogg", "different content types");
    refused("moveclients?mount=/live&destination=/live", "supplied mountpoints are identical");
    refused("moveclients?mount=/live&destination=/none", "No such destination");
    refused("moveclients?mount=/none&destination=/live", "Source does not exist");
    let choice = house.body("moveclients?mount=/live");
    assert!(choice.contains("<current_source>/live</current_source><source mount=\"/stream\">"));
    assert!(!choice.contains("/ogg"), "{choice}");
    let moved = house.body("moveclients?mount=/live&destination=/stream");
    assert!(moved.contains("<message>Clients moved from /live to /stream</message><return>1<"));
    let main = house.documents.mounts.main();
    wait_until("the listener is on the other mount", || {
        house.documents.listeners.of_mount(main, Instant::now()).len() == 1
    });
    assert_eq!(ogg.counts.listeners.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[test]
fn a_listener_is_listed_with_its_name_and_ended_by_its_number_on_its_mount() {
    let house = House::new();
    let _client = house.seat(&house.live);
    let list = house.body("listclients?mount=/live");
    let expected = "<source mount=\"/live\"><Listeners>1</Listeners><listener><IP>192.0.2.1</IP>\
        <UserAgent>player</UserAgent><Connected>0</Connected><ID>1</ID><username>anna</username></listener>";
    assert!(list.contains(expected), "{list}");
    for wrong in ["mount=/live&id=2", "mount=/stream&id=1", "mount=/live&id=abc"] {
        let answer = house.body(&format!("killclient?{wrong}"));
        assert!(answer.contains(" not found</message><return>0</return>"), "{answer}");
    }
    assert_eq!(house.ask("killclient?mount=/live").status, 400);
    let killed = house.body("killclient?mount=/live&id=1");
    assert!(killed.contains("<message>Client 1 removed</message><return>1</return>"), "{killed}");
    wait_until("the listener is gone", || house.documents.listeners.count() == 0);
}

#[tokio::test]
async fn killsource_ends_the_source_client_and_never_the_station() {
    let house = House::new();
    let end = Arc::clone(&house.live.feeder().unwrap().end);
    assert!(house.body("killsource?mount=/live").contains("<message>Source Removed</message>"));
    tokio::time::timeout(PATIENCE, end.notified()).await.unwrap();
    let own = house.ask("killsource?mount=/stream");
    assert_eq!(own.status, 400);
    assert!(own.body.contains("the station itself feeds it"), "{}", own.body);
}

#[test]
fn a_fallback_is_set_shown_and_taken_away() {
    let house = House::new();
    assert!(house.body("fallbacks?mount=/live&fallback=/stream").contains("Fallback configured"));
    assert_eq!(house.live.fallback().as_deref(), Some("/stream"));
    assert!(house.body("listmounts").contains("<fallback>/stream</fallback>"));
    house.body("fallbacks?mount=/live&fallback=");
    assert_eq!(house.live.fallback(), None);
    assert_eq!(house.ask("fallbacks?mount=/live").status, 400);
}

#[test]
fn a_source_sets_titles_from_where_it_sends_and_the_administrator_from_anywhere() {
    let house = House::new();
    let set = |login, mount: &str, song: &str, peer| {
        let path = format!("metadata?mount={mount}&mode=updinfo&song={song}");
        house.ask_with(login, &path, peer, &[]).body
    };
    let title = |mount: &Arc<Mount>| mount.relay().newest_title().to_string();
    assert!(set("source:s", "/live", "One", STUDIO).contains("Metadata update successful"));
    assert_eq!(title(&house.live), "One");
    let elsewhere = set("source:s", "/live", "Two", [192, 0, 2, 9]);
    assert!(elsewhere.contains("Mountpoint will not accept URL updates</message><return>1<"));
    assert_eq!(title(&house.live), "One");
    let main = house.documents.mounts.main();
    assert!(set("source:s", "/stream", "Two", STUDIO).contains("will not accept"));
    assert_eq!(title(main), "");
    set("admin:a", "/stream", "Two", [192, 0, 2, 9]);
    assert_eq!(title(main), "Two");
    set("admin:a", "/live", "%C4rger+%2B%0D%0A1", [192, 0, 2, 9]);
    assert_eq!(title(&house.live), "Ärger +  1");
    let other = house.body("metadata?mount=/live&mode=delete");
    assert!(other.contains("<message>No such action</message><return>0</return>"));
    // It says nothing, so nothing changes.
    house.body("metadata?mount=/live&mode=updinfo");
    assert_eq!(title(&house.live), "Ärger +  1");
}

#[test]
fn each_login_opens_its_own_requests_and_no_others() {
    let house = House::new();
    let title = "metadata?mount=/live&mode=updinfo&song=x";
    let cases = [
        ("admin:a", "stats", 200),
        ("admin:s", "stats", 401),
        ("source:s", "stats", 401),
        ("relay:r", "stats", 401),
        ("relay:r", "streamlist.txt", 200),
        ("relay:s", "streamlist.txt", 401),
        ("admin:a", "streamlist.txt", 200),
        ("source:s", title, 200),
        ("relay:r", title, 401),
        ("source:s", "killsource?mount=/live", 401),
        ("source:s", "listclients?mount=/live", 401),
        ("admin:a", "nothing", 400),
        ("source:s", "nothing", 401),
        ("", "nothing", 401),
    ];
    for (host, (login, path, status)) in (1..).zip(cases) {
        // Each from an address of its own, so that nobody is locked out; the source from its studio.
        let peer = if login == "source:s" { STUDIO } else { [198, 51, 100, host] };
        let answer = house.ask_with(login, path, peer, &[]);
        assert_eq!(answer.status, status, "{login} {path}");
    }
}

#[test]
fn an_address_that_fails_ten_times_is_not_looked_at_even_with_the_right_password() {
    let house = House::new();
    for _ in 0..10 {
        assert_eq!(house.ask_with("admin:wrong", "stats", STUDIO, &[]).status, 401);
    }
    let locked = house.ask_with("admin:a", "stats", STUDIO, &[]);
    assert_eq!(locked.status, 401);
    assert!(locked.headers.contains("Retry-After: "), "{}", locked.headers);
    assert_eq!(house.ask("stats").status, 200);
    // Who says nothing has not failed.
    (0..20).for_each(|_| assert_eq!(house.ask_with("", "stats", [192, 0, 2, 7], &[]).status, 401));
    assert_eq!(house.ask_with("admin:a", "stats", [192, 0, 2, 7], &[]).status, 200);
}

#[test]
fn a_page_of_another_site_changes_nothing_with_the_login_that_a_browser_remembers() {
    let house = House::new();
    let path = "metadata?mount=/stream&mode=updinfo&song=x";
    for (site, status) in
        [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)]
    {
        let answer = house.ask_with("admin:a", path, STUDIO, &[("sec-fetch-site", site)]);
        assert_eq!(answer.status, status, "{site}");
    }
    let read = house.ask_with("admin:a", "stats", STUDIO, &[("sec-fetch-site", "cross-site")]);
    assert_eq!(read.status, 200);
}

#[test]
fn pages_show_what_the_xml_says_and_change_what_it_changes() {
    let house = House::new();
    let _client = house.seat(&house.live);
    for path in [
        "",
        "stats.xsl",
        "listmounts.xsl",
        "listclients.xsl?mount=/live",
        "moveclients.xsl?mount=/live",
        "updatemetadata.xsl?mount=/live",
    ] {
        let answer = house.ask(path);
        assert_eq!(
            (answer.status, answer.content_type),
            (200, "text/xml; charset=UTF-8"),
            "{path}"
        );
        assert!(answer.body.contains("<html xmlns=") && answer.body.contains("/live"), "{path}");
    }
    let done = house.body("metadata.xsl?mount=/live&mode=updinfo&song=page");
    assert!(done.contains("<td>Metadata update successful</td>"), "{done}");
    assert_eq!(&*house.live.relay().newest_title(), "page");
    assert_eq!(house.ask("killsource.xsl?mount=/none").status, 400);
}
