-- The first schema: songs, the queue, what was played, and where the station stands.
-- All times are milliseconds since 1970-01-01 UTC; paths are the bytes of the file name.

PRAGMA application_id = 0x4D444253;

-- An album is its tag together with the album artist's tag, or the folder where there is no album tag.
CREATE TABLE albums (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    key    BLOB NOT NULL UNIQUE,
    name   TEXT NOT NULL,
    hidden INTEGER NOT NULL DEFAULT 0
) STRICT;

-- AUTOINCREMENT: the id of a song that was removed never stands for another one.
CREATE TABLE songs (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    path              BLOB NOT NULL UNIQUE,
    size              INTEGER NOT NULL,
    mtime_ns          INTEGER NOT NULL,
    title             TEXT NOT NULL,
    artist            TEXT NOT NULL,
    album             TEXT NOT NULL,
    album_id          INTEGER NOT NULL REFERENCES albums (id),
    track             INTEGER,
    disc              INTEGER,
    genre             TEXT NOT NULL DEFAULT '',
    year              INTEGER,
    search            TEXT NOT NULL,               -- title, artist, album in lower case, a line each
    duration          INTEGER NOT NULL DEFAULT 0,  -- in units of 1/14,112,000 s
    frames            INTEGER NOT NULL DEFAULT 0,
    audio_bytes       INTEGER NOT NULL DEFAULT 0,
    sample_rate       INTEGER NOT NULL DEFAULT 0,  -- Hz, of the first frame, as the next two
    channels          INTEGER NOT NULL DEFAULT 0,
    bitrate           INTEGER NOT NULL DEFAULT 0,  -- kbit/s
    unplayable_reason TEXT,
    vanished_at       INTEGER,
    added_at          INTEGER NOT NULL,
    disabled          INTEGER NOT NULL DEFAULT 0,
    likes             INTEGER NOT NULL DEFAULT 0,
    dislikes          INTEGER NOT NULL DEFAULT 0,
    favorite          INTEGER NOT NULL DEFAULT 0,  -- -1 hated, 0, 1 loved
    bad_audio         INTEGER NOT NULL DEFAULT 0,
    live_recording    INTEGER NOT NULL DEFAULT 0,
    last_played       INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX songs_listed ON songs (artist COLLATE NOCASE, album COLLATE NOCASE, disc, track, title COLLATE NOCASE, id);
-- What a random pick may choose from.
CREATE INDEX songs_playable ON songs (id) WHERE unplayable_reason IS NULL AND vanished_at IS NULL AND disabled = 0;
CREATE INDEX songs_of_album ON songs (album_id);

-- The order is that of rank, which has gaps. song_id is no foreign key: an entry may outlive its song.
CREATE TABLE queue (
    entry_id  BLOB NOT NULL PRIMARY KEY CHECK (length(entry_id) = 16),
    rank      INTEGER NOT NULL UNIQUE,
    song_id   INTEGER NOT NULL,
    is_random INTEGER NOT NULL,
    added_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Songs that were played to their end. song_id is no foreign key: what was played stays true.
CREATE TABLE history (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    song_id   INTEGER NOT NULL,
    entry_id  BLOB NOT NULL,
    played_at INTEGER NOT NULL,
    is_random INTEGER NOT NULL,
    outcome   TEXT NOT NULL
) STRICT;

CREATE INDEX history_of_song ON history (song_id);

-- One row: what is wanted, how far the current song has come, and the queue's revision.
CREATE TABLE station (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    wanted   INTEGER,
    entry_id BLOB,
    frame    INTEGER NOT NULL DEFAULT 0,
    revision INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO station (id) VALUES (1);
