//! The names of all keys, read off the structs themselves, and which of them is nearest.

use serde::{Deserialize, Deserializer, de};

use super::{Debug, Directories, Icecast, Monitor, MountSettings, Randy, Server, Stream, Tracker};

/// The table that stands once for each mount, and has no variables.
pub(super) const MOUNT: &str = "mount";

/// Every table with its keys.
pub(super) fn known() -> [(&'static str, &'static [&'static str]); 9] {
    [
        ("directories", names::<Directories>()),
        ("server", names::<Server>()),
        ("icecast", names::<Icecast>()),
        ("stream", names::<Stream>()),
        ("randy", names::<Randy>()),
        ("tracker", names::<Tracker>()),
        ("monitor", names::<Monitor>()),
        ("debug", names::<Debug>()),
        (MOUNT, names::<MountSettings>()),
    ]
}

/// The keys of one table, or nothing where there is no such table.
pub(super) fn keys_of(section: &str) -> Option<&'static [&'static str]> {
    known().into_iter().find(|(name, _)| *name == section).map(|(_, keys)| keys)
}

/// What was probably meant by a wrong name at the top of the file: a section misspelt, or a key that
/// stands before its section.
pub(super) fn nearest_to_section(name: &str) -> String {
    for (section, keys) in known() {
        if keys.contains(&name) {
            return format!("{section}.{name}");
        }
    }
    let sections = known().map(|(section, _)| section);
    nearest(name, sections).map(|section| format!("[{section}]")).unwrap_or_default()
}

/// What was probably meant by a wrong key, as section and key: exactly this key of another section,
/// or a key of the section that is named or was probably meant.
pub(super) fn nearest_to_key(section: &str, key: &str) -> [&'static str; 2] {
    nearest_in(&known(), section, key)
}

/// The same among the keys that a variable can stand for.
pub(super) fn nearest_to_variable(section: &str, key: &str) -> [&'static str; 2] {
    let [tables @ .., _mount] = known();
    nearest_in(&tables, section, key)
}

fn nearest_in(
    tables: &[(&'static str, &'static [&'static str])],
    section: &str,
    key: &str,
) -> [&'static str; 2] {
    for (other, keys) in tables {
        if let Some(same) = keys.iter().find(|known| **known == key) {
            return [other, same];
        }
    }
    let section = nearest(section, tables.iter().map(|(name, _)| *name)).unwrap_or_default();
    let keys = keys_of(section).unwrap_or_default();
    [section, nearest(key, keys.iter().copied()).unwrap_or_default()]
}

/// The candidate that takes the fewest edits to reach from `wrong`.
pub(super) fn nearest<'a>(
    wrong: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates.into_iter().min_by_key(|candidate| distance(wrong, candidate))
}

/// Levenshtein distance, upper and lower case alike.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let (mut diagonal, mut left) = (i, i + 1);
        for (y, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let above = *cell;
            left = (diagonal + usize::from(x != *y)).min(left + 1).min(above + 1);
            (*cell, diagonal) = (left, above);
        }
        row[0] = i + 1;
    }
    row.last().copied().unwrap_or_default()
}

/// The field names that a struct's derived `Deserialize` asks for.
fn names<T: for<'de> Deserialize<'de>>() -> &'static [&'static str] {
    let mut found: &'static [&'static str] = &[];
    // The deserializer stops as soon as it has the names: its error is the expected end.
    let _stopped = T::deserialize(NameReader(&mut found));
    found
}

struct NameReader<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for NameReader<'_> {
    type Error = de::value::Error;

    fn deserialize_struct<V: de::Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = fields;
        Err(de::Error::custom("only the names were wanted"))
    }

    fn deserialize_any<V: de::Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Self::Error> {
        Err(de::Error::custom("not a struct"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Optional settings, where an empty text means that nothing is set.
pub(super) mod empty_is_none {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    pub(in super::super) fn serialize<T: Serialize, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => value.serialize(serializer),
            None => serializer.serialize_str(""),
        }
    }

    pub(in super::super) fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: for<'a> Deserialize<'a>,
        D: Deserializer<'de>,
    {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Ok(None);
        }
        T::deserialize(toml::Value::String(text)).map(Some).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_structs() {
        assert_eq!(keys_of("tracker"), Some(["cuttime_minutes", "track_random"].as_slice()));
        assert_eq!(keys_of("randy").unwrap().len(), 11);
        assert_eq!(keys_of("rand"), None);
    }

    #[test]
    fn the_nearest_name_takes_the_fewest_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("PORT", "port"), 0);
        assert_eq!(nearest("lisen", keys_of("server").unwrap().iter().copied()), Some("listen"));
        assert_eq!(nearest("x", []), None);
    }
}
