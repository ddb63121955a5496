//! What a command comes to, as XML or as a page, and why it is refused.

use crate::{
    icy::{Answer, Element, PAGE_TYPE, page, title_form},
    net::percent::encode,
};

const XML_TYPE: &str = "text/xml; charset=utf-8";

/// What was found or done.
#[derive(Debug)]
pub(super) enum Reply {
    /// A document.
    Xml(Element),
    /// What was done; false: nothing was.
    Done(String, bool),
    /// A document, which as a page is the form that sets this mount's title.
    TitleForm(Element, String),
    /// The same in both forms.
    Plain(Answer),
}

/// Why nothing was done; worded as by Icecast where it has a word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// Name a mount.
    #[error("Unknown admin request")]
    NoMount,
    /// Add the argument that the command needs.
    #[error("Missing parameter")]
    Missing,
    /// Name a mount that is there.
    #[error("Source does not exist")]
    NoSource,
    /// Name a destination that is there.
    #[error("No such destination")]
    NoDestination,
    /// Name two mounts.
    #[error("supplied mountpoints are identical")]
    SameMount,
    /// Move them to a mount of the same type: their players could not play this one.
    #[error("the mounts have different content types")]
    OtherType,
    /// Pause the station instead.
    #[error(
        "This mount has no source client, the station itself feeds it. Pause the station instead"
    )]
    OwnMount,
    /// Try again.
    #[error("The server is busy. Try again in a moment")]
    Busy,
}

impl Refusal {
    pub(super) fn answer(self) -> Answer {
        let status = if self == Self::Busy { 503 } else { 400 };
        Answer::error_page(status, &self.to_string())
    }
}

impl Reply {
    /// The answer, for people or for programs.
    pub(super) fn answer(self, is_page: bool) -> Answer {
        let (root, form) = match self {
            Self::Plain(answer) => return answer,
            Self::Xml(root) => (root, None),
            Self::TitleForm(root, mount) => (root, Some(mount)),
            Self::Done(message, done) => (response(&message, done), None),
        };
        match form {
            _ if !is_page => Answer::document(XML_TYPE, root.document()),
            Some(mount) => Answer::document(PAGE_TYPE, title_form(&mount)),
            None => Answer::document(PAGE_TYPE, page(&root, encode)),
        }
    }
}

fn response(message: &str, done: bool) -> Element {
    Element::new("iceresponse")
        .with(Element::text("message", message))
        .with(Element::text("return", if done { "1" } else { "0" }))
}
