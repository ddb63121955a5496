//! XML as Icecast writes it: elements on one line behind the declaration, no white space between them.

use std::fmt::Write as _;

/// An element with its children or its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    name: String,
    attribute: Option<(&'static str, String)>,
    content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    /// May be empty: `<a></a>`.
    Text(String),
    /// None at all: `<a/>`.
    Children(Vec<Element>),
}

impl Element {
    /// An element without children.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), attribute: None, content: Content::Children(Vec::new()) }
    }

    /// An element that holds text.
    #[must_use]
    pub fn text(name: &str, text: impl Into<String>) -> Self {
        Self { content: Content::Text(text.into()), ..Self::new(name) }
    }

    /// The same with an attribute; it has one at most.
    #[must_use]
    pub fn attribute(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attribute = Some((name, value.into()));
        self
    }

    /// The same with one more child, which takes the place of a text.
    #[must_use]
    pub fn with(mut self, child: Self) -> Self {
        match &mut self.content {
            Content::Children(children) => children.push(child),
            Content::Text(_) => self.content = Content::Children(vec![child]),
        }
        self
    }

    /// The same with more children.
    #[must_use]
    pub fn with_all(self, children: impl IntoIterator<Item = Self>) -> Self {
        children.into_iter().fold(self, Self::with)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value of its attribute.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.attribute.as_ref().map(|attribute| attribute.1.as_str())
    }

    /// Its text; nothing where it may have children.
    #[must_use]
    pub fn own_text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            Content::Children(_) => None,
        }
    }

    /// Its children.
    #[must_use]
    pub fn children(&self) -> &[Self] {
        match &self.content {
            Content::Text(_) => &[],
            Content::Children(children) => children,
        }
    }

    /// The document whose root it is. Every byte is ASCII, so that no reader can take it for
    /// another encoding.
    #[must_use]
    pub fn document(&self) -> String {
        let mut out = "<?xml version=\"1.0\"?>\n".to_owned();
        self.write(&mut out);
        out.push('\n');
        out
    }

    fn write(&self, out: &mut String) {
        out.push('<');
        out.push_str(&self.name);
        if let Some((name, value)) = &self.attribute {
            out.push_str(&format!(" {name}=\""));
            write_ascii(value, true, out);
            out.push('"');
        }
        match &self.content {
            Content::Children(children) if children.is_empty() => return out.push_str("/>"),
            Content::Children(children) => {
                out.push('>');
                children.iter().for_each(|child| child.write(out));
            }
            Content::Text(text) => {
                out.push('>');
                write_ascii(text, false, out);
            }
        }
        out.push_str(&format!("</{}>", self.name));
    }
}

/// Text as it may stand in XML 1.0, quoted or not; XML has no place for most control characters,
/// U+FFFE and U+FFFF.
#[must_use]
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|character| push(character, true, &mut out));
    out
}

/// The same without a character beyond ASCII.
fn write_ascii(text: &str, quotes: bool, out: &mut String) {
    for character in text.chars() {
        if character.is_ascii() || character.is_control() || is_none(character) {
            push(character, quotes, out);
        } else {
            // Writing into a string cannot fail.
            let _ = write!(out, "&#x{:X};", u32::from(character));
        }
    }
}

fn push(character: char, quotes: bool, out: &mut String) {
    match character {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' if quotes => out.push_str("&quot;"),
        _ if character.is_control() || is_none(character) => out.push(' '),
        _ => out.push(character),
    }
}

fn is_none(character: char) -> bool {
    matches!(character, '\u{FFFE}' | '\u{FFFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_bytes_are_icecasts() {
        let source = Element::new("source")
            .attribute("mount", "/a\"b")
            .with(Element::text("fallback", ""))
            .with(Element::text("name", "N & <b> \"é\""));
        let root = Element::new("icestats").with(source).with(Element::new("none"));
        assert_eq!(
            root.document(),
            "<?xml version=\"1.0\"?>\n<icestats><source mount=\"/a&quot;b\"><fallback></fallback>\
             <name>N &amp; &lt;b&gt; \"&#xE9;\"</name></source><none/></icestats>\n"
        );
    }

    proptest! {
        #[test]
        fn no_text_can_leave_its_element(text in any::<String>(), value in any::<String>()) {
            let document = Element::text("a", text).attribute("b", value).document();
            prop_assert_eq!(document.matches('<').count(), 3);
            prop_assert_eq!(document.matches('\n').count(), 2);
            prop_assert!(document.is_ascii());
        }
    }
}
