//! A login: name and password as HTTP's Basic scheme carries them (RFC 7617).

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use subtle::ConstantTimeEq;

use crate::config::Password;

/// What a client says that it is.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Login {
    user: String,
    password: String,
}

impl Login {
    /// Reads the value of an `Authorization` header; nothing for another scheme, and for what is none.
    pub(super) fn basic(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        let (scheme, encoded) = text.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = STANDARD.decode(encoded.trim()).ok()?;
        let (user, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
        Some(Self { user: user.to_owned(), password: password.to_owned() })
    }

    /// A name and a password that came in another way.
    pub(super) fn new(user: &str, password: &str) -> Self {
        Self { user: user.to_owned(), password: password.to_owned() }
    }

    /// The password, for those who have to pass it on or hash it.
    pub(super) fn password(&self) -> &str {
        &self.password
    }

    /// The name.
    pub(super) fn user(&self) -> &str {
        &self.user
    }

    /// It is this one; a password that is empty is nobody's. How long that takes tells nothing about
    /// where the two differ.
    pub(super) fn is(&self, user: &str, password: &Password) -> bool {
        let password = password.reveal();
        let same_user = self.user.as_bytes().ct_eq(user.as_bytes());
        let same_password = self.password.as_bytes().ct_eq(password.as_bytes());
        bool::from(same_user & same_password) && !password.is_empty()
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_password_are_read_and_compared() {
        let login = Login::basic(b"basic c291cmNlOmhhY2s6bWU=").unwrap();
        assert_eq!(login.user(), "source");
        assert!(login.is("source", &"hack:me".to_owned().into()));
        assert!(!login.is("source", &"hack".to_owned().into()));
        assert!(!login.is("admin", &"hack:me".to_owned().into()));
        assert!(!Login::basic(b"Basic YTo=").unwrap().is("a", &Password::default()));
        assert!(!format!("{login:?}").contains("hack"));
    }

    #[test]
    fn what_is_no_login_is_none() {
        for value in ["", "Basic", "Basic !!!", "Bearer YTpi", "Basic YQ=="] {
            assert_eq!(Login::basic(value.as_bytes()), None, "{value}");
        }
    }
}
