//! A session: a listener that was let in, whose end is reported when it is dropped.

use std::{fmt, time::Instant};

use tokio::sync::mpsc;

use super::Caller;
use crate::net::percent::encode;

/// The fields of a message to the authentication server, a password among them.
pub(super) struct Form(Vec<(&'static str, String)>);

/// Reports the end of a listener when it is dropped.
#[derive(Debug)]
pub(in crate::server) struct Session {
    form: Form,
    began: Instant,
    reports: mpsc::Sender<Form>,
}

impl Form {
    /// Asks whether `caller` may listen.
    pub(super) fn add(caller: &Caller) -> Self {
        Self::about("listener_add", caller)
    }

    /// Tells that it has left; its duration is still missing.
    pub(super) fn remove(caller: &Caller) -> Self {
        Self::about("listener_remove", caller)
    }

    fn about(action: &str, caller: &Caller) -> Self {
        let login = caller.login.as_ref();
        Self(vec![
            ("action", action.to_owned()),
            ("server", caller.server.clone()),
            ("port", caller.port.to_string()),
            ("client", caller.id.to_string()),
            ("mount", caller.mount.clone()),
            ("user", login.map_or("", |login| login.user()).to_owned()),
            ("pass", login.map_or("", |login| login.password()).to_owned()),
            ("ip", caller.address.to_string()),
            ("agent", caller.user_agent.clone()),
        ])
    }

    /// As `application/x-www-form-urlencoded`.
    pub(super) fn body(&self) -> String {
        let pairs = self.0.iter().map(|(name, value)| format!("{name}={}", encode(value)));
        pairs.collect::<Vec<_>>().join("&")
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Form")
    }
}

impl Session {
    pub(super) fn new(form: Form, began: Instant, reports: mpsc::Sender<Form>) -> Self {
        Self { form, began, reports }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let mut form = Form(std::mem::take(&mut self.form.0));
        form.0.push(("duration", self.began.elapsed().as_secs().to_string()));
        if let Err(mpsc::error::TrySendError::Full(_)) = self.reports.try_send(form) {
            tracing::warn!(
                "too many listeners leave at once: that one has left was not reported to mount.listener_url_remove"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::login::Login;

    fn caller() -> Caller {
        Caller {
            id: 7,
            login: Some(Login::new("a&b", "p=ss")),
            mount: "/live?x=1".into(),
            address: "192.0.2.1".parse().unwrap(),
            user_agent: "Player 1".into(),
            server: "radio".into(),
            port: 8000,
        }
    }

    #[test]
    fn the_fields_are_icecasts_and_hold_whatever_was_typed() {
        assert_eq!(
            Form::add(&caller()).body(),
            "action=listener_add&server=radio&port=8000&client=7&mount=%2Flive%3Fx%3D1&\
             user=a%26b&pass=p%3Dss&ip=192.0.2.1&agent=Player%201"
        );
        assert!(!format!("{:?}", Form::add(&caller())).contains("ss"));
    }

    #[test]
    fn the_end_is_reported_once_with_its_duration() {
        let (sender, mut reports) = mpsc::channel(1);
        drop(Session::new(Form::remove(&caller()), Instant::now(), sender));
        let body = reports.try_recv().unwrap().body();
        assert!(
            body.starts_with("action=listener_remove&") && body.ends_with("&duration=0"),
            "{body}"
        );
        assert!(reports.try_recv().is_err());
    }
}
