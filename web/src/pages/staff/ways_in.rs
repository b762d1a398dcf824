//! Logging in, joining, and the first page after it.

use askama::Template;

use super::Me;
use crate::pages::{Site, render};
use crate::staff::qr::QrDrawing;

/// The page that asks for name and password.
/// `passkey` is what to ask an authenticator, as JSON.
pub fn login(
    site: &Site,
    to: &str,
    login: &str,
    problem: Option<&str>,
    passkey: Option<&str>,
) -> String {
    render(&LoginPage {
        site,
        return_path: Some("/staff/login"),
        me: None,
        to,
        login,
        problem,
        passkey,
    })
}

#[derive(Template)]
#[template(path = "staff/login.html")]
struct LoginPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    me: Option<&'a Me>,
    to: &'a str,
    login: &'a str,
    problem: Option<&'a str>,
    passkey: Option<&'a str>,
}

/// What the page that asks for a second factor knows.
#[derive(Debug)]
pub struct FactorPage<'a> {
    /// The session's token.
    pub csrf: &'a str,
    /// Where its forms go.
    pub action: &'a str,
    /// What it is called.
    pub title: &'a str,
    /// Where to go afterwards.
    pub to: &'a str,
    /// Fields of another form that go on with this one.
    pub carried: &'a [(String, String)],
    /// Whether an app is enrolled.
    pub has_totp: bool,
    /// Whether a recovery code will do.
    pub has_recovery: bool,
    /// What to ask an authenticator, as JSON.
    pub passkey_options: Option<&'a str>,
    /// Why the last try failed.
    pub problem: Option<&'a str>,
}

/// The page that asks for a second factor.
pub fn second_factor(site: &Site, page: &FactorPage<'_>) -> String {
    render(&SecondFactorPage {
        site,
        return_path: Some(page.action),
        me: None,
        page,
    })
}

#[derive(Template)]
#[template(path = "staff/second_factor.html")]
struct SecondFactorPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    me: Option<&'a Me>,
    page: &'a FactorPage<'a>,
}

/// What the page behind an invitation knows.
#[derive(Debug)]
pub struct JoinPage<'a> {
    /// The invitation's code.
    pub code: &'a str,
    /// The role invited to; `None` when it is a factor that is renewed.
    pub role: Option<&'static str>,
    /// The name entered last.
    pub login: &'a str,
    /// Why the last try failed.
    pub problem: Option<&'a str>,
}

/// The page behind an invitation.
pub fn join(site: &Site, page: &JoinPage<'_>) -> String {
    render(&JoinTemplate {
        site,
        // The address is a secret: it goes into no other form.
        return_path: None,
        me: None,
        page,
    })
}

#[derive(Template)]
#[template(path = "staff/join.html")]
struct JoinTemplate<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    me: Option<&'a Me>,
    page: &'a JoinPage<'a>,
}

/// What is offered to be enrolled.
pub(crate) struct Enrolment {
    /// The secret as a QR code.
    pub(crate) qr: Option<QrDrawing>,
    /// The secret as it is typed.
    pub(crate) secret: String,
    /// What to ask an authenticator, as JSON.
    pub(crate) passkey_options: Option<String>,
}

/// The page that enrols a second factor.
pub(crate) fn enrol(
    site: &Site,
    me: Option<&Me>,
    action: &str,
    enrolment: &Enrolment,
    problem: Option<&str>,
) -> String {
    render(&EnrolPage {
        site,
        return_path: None,
        me,
        action,
        enrolment,
        problem,
    })
}

#[derive(Template)]
#[template(path = "staff/enrol.html")]
struct EnrolPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    me: Option<&'a Me>,
    action: &'a str,
    enrolment: &'a Enrolment,
    problem: Option<&'a str>,
}

/// The page that shows recovery codes, once.
pub fn recovery_codes(site: &Site, codes: &[String]) -> String {
    render(&RecoveryPage {
        site,
        return_path: None,
        me: None,
        codes,
    })
}

#[derive(Template)]
#[template(path = "staff/recovery_codes.html")]
struct RecoveryPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    me: Option<&'a Me>,
    codes: &'a [String],
}

/// The first page: what one may do, what it has to say, and how many alerts there
/// are for those whom they are for.
pub fn home(
    site: &Site,
    me: &Me,
    allowed: &[&str],
    notices: &[String],
    waiting: &[String],
    n_alerts: usize,
) -> String {
    render(&HomePage {
        site,
        return_path: Some("/staff"),
        me: Some(me),
        allowed,
        n_alerts,
        notices,
        waiting,
    })
}

#[derive(Template)]
#[template(path = "staff/home.html")]
struct HomePage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    me: Option<&'a Me>,
    allowed: &'a [&'a str],
    n_alerts: usize,
    notices: &'a [String],
    waiting: &'a [String],
}
