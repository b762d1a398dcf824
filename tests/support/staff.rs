//! A member of the staff at a browser, as far as forms go.

use std::io;

use serde_json::Value;

use crate::client::Client;
use crate::response::Response;
use crate::totp;

/// The password of everybody in the tests.
pub const PASSWORD: &str = "a long passphrase";

/// A browser with its cookie and the token of its session.
#[derive(Debug, Clone)]
pub struct Staff {
    client: Client,
    /// The secret in the authenticator app.
    pub secret: String,
    /// The code that was used last.
    pub last_code: String,
    /// The cookie, as it is sent.
    pub cookie: String,
    /// The token, as forms carry it.
    pub csrf: String,
}

impl Staff {
    /// Nobody yet.
    #[must_use]
    pub fn stranger(client: Client) -> Self {
        Self {
            client,
            secret: String::new(),
            last_code: String::new(),
            cookie: String::new(),
            csrf: String::new(),
        }
    }

    /// Follows an invitation to its end: name, password, authenticator app.
    ///
    /// # Panics
    /// When one of them is not taken.
    #[must_use]
    pub fn join(client: Client, link: &str, login: &str) -> Self {
        let mut staff = Self::stranger(client);
        let path = path_of(link);
        let again = format!("login={login}&password={PASSWORD}&again={PASSWORD}");
        let step = staff.post(&path, &again).expect(303);
        let step = step.expect_header("location").to_owned();
        let page = staff.get(&step).expect(200).text();
        staff.secret = between(&page, "data-secret>", "<").expect("a secret");
        staff.last_code = totp::code(&staff.secret, 0);
        let form = format!("code={}", staff.last_code);
        let joined = staff.post(&step, &form).expect(200);
        assert_eq!(joined.text().matches("<li><code>").count(), 10);
        staff.take(&joined);
        let home = staff.get("/staff").expect(200);
        staff.take(&home);
        staff
    }

    /// Logs in anew with this code.
    #[must_use]
    pub fn log_in(&mut self, login: &str, code: &str) -> Response {
        self.cookie.clear();
        let form = format!("login={login}&password={PASSWORD}");
        let answer = self.post("/staff/login", &form).expect(303);
        self.take(&answer);
        let page = self.get(answer.expect_header("location")).expect(200);
        self.take(&page);
        self.last_code = code.to_owned();
        let form = format!("code={code}");
        let answer = self.post("/staff/login/second-factor", &form);
        self.take(&answer);
        answer
    }

    /// GET with the cookie.
    #[must_use]
    pub fn get(&self, path: &str) -> Response {
        self.client.get_with(path, &[("Cookie", &self.cookie)])
    }

    /// Posts a form with the session's token.
    #[must_use]
    pub fn post(&self, path: &str, form: &str) -> Response {
        let form = format!("csrf={}&{form}", self.csrf).replace(' ', "+");
        let headers = [
            ("Cookie", self.cookie.as_str()),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        self.client.request("POST", path, &headers, form.as_bytes())
    }

    /// The same browser before another server over the same data.
    #[must_use]
    pub fn at(&self, client: Client) -> Self {
        Self {
            client,
            ..self.clone()
        }
    }

    /// Calls the JSON interface with the session's token.
    #[must_use]
    pub fn call(&self, method: &str, path: &str, body: &Value) -> Response {
        let answer = self.try_call(method, path, body);
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// The same; the server may be gone.
    ///
    /// # Errors
    /// What the connection died of.
    pub fn try_call(&self, method: &str, path: &str, body: &Value) -> io::Result<Response> {
        let headers = [
            ("Cookie", self.cookie.as_str()),
            ("Content-Type", "application/json"),
            ("X-CSRF-Token", self.csrf.as_str()),
        ];
        let body = body.to_string();
        let headers_of_body = match method {
            "GET" => &headers[..1],
            _ => &headers[..],
        };
        let sent = match method {
            "GET" => &[][..],
            _ => body.as_bytes(),
        };
        self.client.try_request(method, path, headers_of_body, sent)
    }

    /// Takes the cookie of an answer, and the token of a page.
    pub fn take(&mut self, answer: &Response) {
        if let Some(cookie) = answer.header("set-cookie") {
            self.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        }
        if let Some(csrf) = between(&answer.text(), "name=\"csrf\" value=\"", "\"") {
            self.csrf = csrf;
        }
    }
}

/// The path of an invitation's link.
///
/// # Panics
/// When there is no link in it.
#[must_use]
pub fn path_of(printed: &str) -> String {
    let start = printed.find("/staff/join/").expect("a link");
    let path = printed[start..].split_whitespace().next();
    path.unwrap_or_default().to_owned()
}

fn between(text: &str, before: &str, behind: &str) -> Option<String> {
    let start = text.find(before)? + before.len();
    text[start..].split(behind).next().map(str::to_owned)
}
