//! Bad input: each gets one clear line and an exit code, and loses nothing.

use std::{
    fs,
    net::{TcpListener, ToSocketAddrs},
    path::Path,
    time::Duration,
};

use serde_json::Value;

use crate::support::{home::Home, served::Served, tools::free_address};

const SOON: Duration = Duration::from_secs(10);

/// Every one of `parts` is in `line`.
fn says(line: &str, parts: &[&str]) {
    for part in parts {
        assert!(line.contains(part), "{part:?} is not in: {line}");
    }
}

#[test]
fn a_configuration_file_that_cannot_be_used_is_wrong_usage() {
    let home = Home::new();
    home.file("latin.toml", b"[stream]\nname = \"caf\xe9\"\n");
    fs::create_dir(home.path("dir.toml")).unwrap();
    home.file("key.toml", b"[server]\nlissten = \"127.0.0.1:1\"\n");
    for (file, parts) in [
        ("latin.toml", ["latin.toml is not UTF-8", "save it as UTF-8"]),
        ("dir.toml", ["dir.toml cannot be read: Is a directory", "check the path"]),
        ("none.toml", ["none.toml cannot be read: No such file", "check the path"]),
        ("key.toml", ["line 2: unknown key `server.lissten`", "`server.listen`"]),
    ] {
        for command in ["config", "serve", "queue", "status"] {
            says(&home.run(&format!("--config {file} {command}")).line(2), &parts);
        }
    }
    assert!(!home.data().exists(), "nothing was begun");
}

#[test]
fn an_environment_that_cannot_be_used_names_the_variable() {
    let home = Home::new();
    for (name, value) in [
        ("SERVER_LISTEN", "here"),
        ("SERVER_MAX_LISTENERS", "-1"),
        ("STREAM_START", "later"),
        ("ICECAST_PORT", "65536"),
        ("SERVER_LISSTEN", "127.0.0.1:1"),
        ("RANDY_NO_HATED", "perhaps"),
    ] {
        let name = format!("MUSICDB_STREAM_{name}");
        let line = home.run_with("serve", &[(name.as_str(), value)]).line(2);
        says(&line, &[&name]);
    }
    assert!(!home.data().exists(), "nothing was begun");
}

#[test]
fn a_folder_without_music_is_told_and_the_library_stays() {
    let home = Home::with_songs(3);
    let before = home.belongings();
    fs::create_dir(home.path("empty")).unwrap();
    home.file("file.mp3", b"x");
    for (folder, reason) in [
        ("none", "No such file or directory"),
        ("empty", "there is no audio file in it; is a drive not mounted?"),
        ("file.mp3", "it is no folder"),
    ] {
        let line = home.run(&format!("scan {folder}")).line(1);
        says(&line, &[folder, reason, "the library is as before", "name a folder with MP3 files"]);
    }
    assert_eq!(home.belongings(), before);
}

#[test]
fn a_drive_that_is_not_mounted_loses_no_song() {
    let home = Home::with_songs(3);
    let before = home.belongings();
    fs::rename(home.path("Music"), home.path("drive")).unwrap();
    home.run("scan").line(1);
    assert_eq!(home.belongings(), before, "the folder is missing");
    fs::create_dir(home.path("Music")).unwrap();
    home.run("scan").line(1);
    assert_eq!(home.belongings(), before, "the mount point is empty");
    {
        let served = home.serve(&["--paused"]);
        served.wait_for(SOON, |_| served.ask("GET", "/api/v1/scan", "").1["running"] == false);
        let left = served.ask("GET", "/api/v1/scan", "").1;
        assert_eq!(left["report"]["vanished"], 0, "{left}");
        assert_eq!(served.terminate().1.code(), Some(0));
    }
    assert_eq!(home.belongings(), before, "served meanwhile");
    fs::remove_dir(home.path("Music")).unwrap();
    fs::rename(home.path("drive"), home.path("Music")).unwrap();
    assert_eq!(home.run("scan").done(), "3 MP3 files: 0 new, 3 as before\n");
    assert_eq!(home.belongings(), before);
}

#[test]
fn a_drive_that_is_not_mounted_inside_the_music_folder_loses_no_song() {
    let home = Home::with_songs(2);
    home.song("Music/usb/album/one.mp3", 50);
    home.song("Music/gone/two.mp3", 51);
    home.run("scan").done();
    let before = home.belongings();
    fs::rename(home.path("Music/usb/album"), home.path("album")).unwrap();
    let said = home.run("scan").done();
    says(&said, &["left alone: ", "Music/usb: it is empty; is a drive not mounted?"]);
    assert!(said.ends_with("3 MP3 files: 0 new, 3 as before\n"), "{said}");
    assert_eq!(home.belongings(), before);
    // A folder that was deleted has gone.
    fs::remove_dir_all(home.path("Music/gone")).unwrap();
    assert!(home.run("scan").done().ends_with("2 MP3 files: 0 new, 2 as before, 1 gone\n"));
    fs::rename(home.path("album"), home.path("Music/usb/album")).unwrap();
    assert_eq!(home.run("scan").done(), "3 MP3 files: 0 new, 3 as before\n");
}

#[test]
fn a_port_in_use_is_named_with_another_to_take() {
    let home = Home::with_songs(2);
    let before = home.belongings();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let line = home.run(&format!("serve --listen {address}")).line(1);
    says(&line, &[&address.to_string(), "in use by another program", "--listen 127.0.0.1:"]);
    assert_eq!(home.belongings(), before);
}

#[test]
fn a_database_of_a_newer_version_is_refused_and_left_as_it_is() {
    let home = Home::with_songs(2);
    let file = home.data().join("musicdb-stream.db");
    {
        let connection = rusqlite::Connection::open(&file).unwrap();
        connection.pragma_update(None, "journal_mode", "DELETE").unwrap();
        connection.pragma_update(None, "user_version", 4711).unwrap();
    }
    let before = fs::read(&file).unwrap();
    for command in ["serve --listen 127.0.0.1:0", "songs", "queue", "queue add 1", "scan"] {
        let line = home.run(command).line(1);
        says(&line, &["newer version", "schema 4711", "use that version", "musicdb-stream.db"]);
    }
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let home = Home::with_songs(2);
    let file = home.data().join("musicdb-stream.db");
    let mut damaged = fs::read(&file).unwrap();
    // The schema's page, behind the header of the file.
    damaged[100..4000].fill(0x55);
    for (garbage, reason) in [
        (b"my shopping list, which is rather long today".repeat(40), "is no database of this"),
        (damaged, "is damaged"),
    ] {
        fs::write(&file, &garbage).unwrap();
        if reason == "is damaged" {
            // The log would mend it.
            fs::remove_file(home.data().join("musicdb-stream.db-wal")).ok();
        }
        for command in ["serve --listen 127.0.0.1:0", "songs", "queue add 1", "scan"] {
            says(&home.run(command).line(1), &["musicdb-stream.db", reason]);
        }
        assert!(fs::read(&file).unwrap() == garbage, "{reason}: the file was changed");
    }
}

#[test]
fn a_database_that_another_program_holds_is_told_as_locked() {
    let home = Home::with_songs(2);
    let before = home.belongings();
    let other = rusqlite::Connection::open(home.data().join("musicdb-stream.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for command in ["queue add 1", "queue remove 2"] {
        let line = home.run(command).line(1);
        says(&line, &["musicdb-stream.db is locked by another program", "close it or try again"]);
    }
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(home.belongings(), before);
}

#[test]
fn a_data_directory_whose_lock_cannot_be_opened_is_told_as_not_writable() {
    let home = Home::new();
    fs::create_dir_all(home.path("data/server.lock")).unwrap();
    for command in ["serve", "queue", "songs", "scan"] {
        let line = home.run(&format!("--data data {command}")).line(1);
        says(&line, &["the data directory data cannot be written to", "--data DIR"]);
    }
}

#[test]
#[ignore = "needs setpriv"]
fn a_data_directory_of_another_user_is_told_as_not_writable() {
    let home = Home::with_songs(2);
    let before = home.belongings();
    let nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups $PROGRAM --data data";
    fs::create_dir(home.path("data")).unwrap();
    home.shell("chmod 755 . data; cp -r .local/share/musicdb-stream theirs; chmod 755 theirs");
    for command in ["serve", "queue", "songs", "scan"] {
        let line = home.shell(&format!("{nobody} {command}")).line(1);
        says(&line, &["data cannot be written to: Permission denied", "give it to this user"]);
        let line = home.shell(&format!("{nobody}/below {command}")).line(1);
        says(&line, &["data/below cannot be made: Permission denied", "--data DIR"]);
        let line = home.shell(&format!("{} {command}", nobody.replace("data data", "data theirs")));
        says(&line.line(1), &["theirs", "Permission denied"]);
    }
    home.shell("chmod 777 data; chmod 000 Music");
    let line = home.shell(&format!("{nobody} scan Music")).line(1);
    says(&line, &["Music was left alone", "ermission denied", "name a folder"]);
    assert_eq!(home.belongings(), before);
}

#[test]
fn a_second_server_is_told_where_the_first_is() {
    let home = Home::with_songs(2);
    let before = home.belongings();
    let served = home.serve(&["--paused"]);
    let line = home.run("serve --listen 127.0.0.1:0").line(1);
    let (data, address) = (served.data.display().to_string(), served.address.to_string());
    says(&line, &["already runs on", &data, &address, "stop it first", "--data DIR"]);
    assert_eq!(served.terminate().1.code(), Some(0));
    assert_eq!(home.belongings(), before);
}

#[test]
fn an_icecast_that_is_our_own_port_is_refused_before_anything_begins() {
    let home = Home::new();
    let port = free_address().port();
    for (listen, host) in [
        ("127.0.0.1", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "0.0.0.0"),
        ("127.0.0.1", "LOCALHOST."),
        ("0.0.0.0", "localhost"),
        ("0.0.0.0", "127.0.0.1"),
        ("0.0.0.0", "127.1.2.3"),
        ("[::]", "::1"),
    ] {
        let variables = [
            ("MUSICDB_STREAM_ICECAST_ENABLED", "true"),
            ("MUSICDB_STREAM_ICECAST_PASSWORD", "hackme"),
            ("MUSICDB_STREAM_ICECAST_HOST", host),
            ("MUSICDB_STREAM_ICECAST_PORT", &port.to_string()),
        ];
        let line = home.run_with(&format!("serve --listen {listen}:{port}"), &variables).line(2);
        says(&line, &[&format!("{host}:{port}"), "own listener", "server.listen = \"127.0.0.1:"]);
        assert!(!line.contains("hackme"), "{line}");
    }
    assert!(!home.data().exists(), "nothing was begun");
}

#[test]
fn an_icecast_that_is_our_own_tls_port_is_refused_before_anything_begins() {
    let home = Home::new();
    let (plain, tls) = (free_address().port(), free_address().port());
    let certificates = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls");
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:{plain}\"\ntls_listen = \"0.0.0.0:{tls}\"\n\
         tls_certificate = {:?}\ntls_key = {:?}\n\
         [icecast]\nenabled = true\nhost = \"localhost\"\nport = {tls}\npassword = \"hackme\"\ntls = \"required\"\n",
        certificates.join("localhost.pem"),
        certificates.join("localhost.key"),
    );
    home.file("radio.toml", text.as_bytes());
    let line = home.run("--config radio.toml serve").line(2);
    says(&line, &[&format!("localhost:{tls}"), "own listener", "server.tls_listen = \"0.0.0.0:"]);
    assert!(!home.data().exists(), "nothing was begun");
}

#[test]
fn an_icecast_whose_name_leads_to_our_own_port_is_refused_once_resolved() {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() || name == "localhost" || (name, 1).to_socket_addrs().is_err() {
        eprintln!("left out: this machine's name does not lead to it");
        return;
    }
    let home = Home::with_songs(2);
    let port = free_address().port();
    home.file(
        "radio.toml",
        format!(
            "[icecast]\nenabled = true\npassword = \"hackme\"\nhost = \"{name}\"\nport = {port}\n"
        )
        .as_bytes(),
    );
    let config = home.path("radio.toml");
    let served = Served::listening(
        &format!("0.0.0.0:{port}"),
        &home.data(),
        &["--paused", "--music", home.path("Music").to_str().unwrap()],
        &["--config", config.to_str().unwrap()],
    );
    let icecast = |state: &Value| {
        let outputs = state["outputs"].as_array().unwrap();
        outputs.iter().find(|output| output["name"] == "icecast").unwrap().clone()
    };
    let own = |state: &Value| icecast(state)["reason"].as_str().unwrap_or("").contains("own");
    served.wait_for(SOON, own);
    let reason = icecast(&served.state());
    assert_eq!(reason["connected"], false);
    says(reason["reason"].as_str().unwrap(), &["own listener", "server.listen"]);
    assert_eq!(served.terminate().1.code(), Some(0));
}

#[test]
fn a_clock_that_was_set_back_changes_nothing() {
    let home = Home::with_songs(3);
    {
        let connection = rusqlite::Connection::open(home.data().join("musicdb-stream.db")).unwrap();
        let ahead = 4_102_444_800_000_i64;
        connection.execute("UPDATE queue SET added_at = ?1", [ahead]).unwrap();
        connection.execute("UPDATE songs SET last_played = ?1", [ahead]).unwrap();
    }
    let before = home.belongings();
    let served = home.serve(&["--play"]);
    served.wait_for(SOON, |state| state["is_playing"] == true);
    served.next();
    served.wait_for(SOON, |state| state["is_playing"] == true);
    assert_eq!(served.ask("POST", "/api/v1/queue/random", "{}").0, 201);
    assert_eq!(served.terminate().1.code(), Some(0));
    assert_eq!(home.belongings().0, before.0);
}
