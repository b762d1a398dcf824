//! Where purges go, and what they say: a setting, checked once, and filled in for
//! each image.

use axum::http::{HeaderName, HeaderValue, Method, Request, Uri, header};
use bytes::Bytes;
use http_body_util::Full;
use imgshare_storage::ImageId;
use imgshare_storage::retention::unpublished::TargetName;

use super::addresses::{Address, Site};
use super::client::Peer;
use crate::config::{Purge, PurgeMethod};

/// What stands for what an image is known by.
const URL: &str = "{url}";
const URLS: &str = "{urls}";
const PATH: &str = "{path}";
const ID: &str = "{id}";
/// What stands for the secret.
const TOKEN: &str = "{token}";

/// Fills placeholders for a trial.
const SAMPLE_ID: &str = "111111111111";

/// What is wrong with a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flaw {
    /// The field of [`Purge`].
    pub field: &'static str,
    /// What it must be.
    pub why: &'static str,
}

/// Somebody who is told to purge.
#[derive(Debug, Clone)]
pub struct Target {
    purge: Purge,
    site: Site,
    /// Who is spoken to; never anybody else.
    pub(super) peer: Peer,
    /// What what it has said yes to is kept under.
    pub(super) name: TargetName,
    /// What it is called in logs and metrics.
    pub(super) label: String,
    host: HeaderValue,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Target {
    /// Reads the setting, without its secret.
    ///
    /// # Errors
    /// The first flaw.
    pub fn new(purge: &Purge, base_url: &str) -> Result<Self, Flaw> {
        let site = Site::new(base_url).ok_or(Flaw {
            field: "address",
            why: "needs a base_url that is an address without a user and a query",
        })?;
        check_placeholders(purge)?;
        let uri = sample(purge, &site)?;
        let flaw = |why| Flaw {
            field: "address",
            why,
        };
        let peer = Peer::of(&uri).ok_or(flaw("must name a host, by http:// or https://"))?;
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let host = match purge.address.contains(PATH) {
            true => site.host.as_str(),
            false => authority,
        };
        let host = HeaderValue::from_str(host).map_err(|_| flaw("must name a plain host"))?;
        check_header(purge, &peer)?;
        check_body(purge, &site)?;
        let token_file = purge.token_file.to_string_lossy();
        Ok(Self {
            // Whoever is told something else, or of another site, is asked anew. The
            // same API with another token is another account, with copies of its own.
            name: TargetName::of(&[
                purge.method.as_str(),
                &purge.address,
                &purge.body,
                base_url,
                &purge.header,
                &token_file,
            ]),
            label: peer.to_string(),
            purge: purge.clone(),
            site,
            peer,
            host,
            header: None,
        })
    }

    /// The same with what its file says in its header; `None` when the two make none.
    #[must_use]
    pub(super) fn authorized(mut self, token: &str) -> Option<Self> {
        let filled = self.purge.header.replace(TOKEN, token);
        let (name, value) = filled.split_once(':')?;
        let mut value = HeaderValue::from_str(value.trim()).ok()?;
        // Whoever prints the request prints no secret.
        value.set_sensitive(true);
        self.header = Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value));
        Some(self)
    }

    /// The file of its secret, if it needs one.
    pub(super) fn token_file(&self) -> Option<&std::path::Path> {
        (!self.purge.header.is_empty()).then_some(self.purge.token_file.as_path())
    }

    /// Whether an answer that there is no such thing means that no copy is there. An
    /// API that is not there has purged nothing.
    pub(super) fn may_find_nothing(&self) -> bool {
        self.purge.method == PurgeMethod::Purge
    }

    /// Everything that is sent for an image.
    pub(super) fn requests(&self, id: &ImageId, extension: &str) -> Vec<Request<Full<Bytes>>> {
        let addresses = self.site.addresses(id, extension);
        let urls: Vec<&str> = addresses.iter().map(|address| &*address.url).collect();
        let n_requests = match self.is_for_each_address() {
            true => addresses.len(),
            false => 1,
        };
        let fill = |address| Fill {
            id: id.as_str(),
            address,
            urls: &urls,
        };
        let requests = addresses.iter().take(n_requests);
        requests
            .filter_map(|address| self.request(&fill(address)))
            .collect()
    }

    fn is_for_each_address(&self) -> bool {
        let texts = [&self.purge.address, &self.purge.body];
        texts
            .iter()
            .any(|text| text.contains(URL) || text.contains(PATH))
    }

    /// `None` cannot come of a setting whose sample could be sent: ids and
    /// extensions are letters and digits.
    fn request(&self, fill: &Fill<'_>) -> Option<Request<Full<Bytes>>> {
        let uri: Uri = fill.address(&self.purge.address).parse().ok()?;
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let method = Method::from_bytes(self.purge.method.as_str().as_bytes()).ok()?;
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::HOST, &self.host)
            .header(header::USER_AGENT, "imgshare");
        if let Some((name, value)) = &self.header {
            request = request.header(name, value);
        }
        let body = fill.body(&self.purge.body);
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        request.body(Full::new(Bytes::from(body))).ok()
    }
}

/// What placeholders stand for.
struct Fill<'a> {
    id: &'a str,
    address: &'a Address,
    urls: &'a [&'a str],
}

impl Fill<'_> {
    fn address(&self, template: &str) -> String {
        if template == URL {
            return self.address.url.clone();
        }
        template
            .replace(ID, self.id)
            .replace(PATH, &self.address.path)
            .replace(URL, &percent_encoded(&self.address.url))
    }

    fn body(&self, template: &str) -> String {
        template
            .replace(ID, self.id)
            .replace(PATH, &inside_json(&self.address.path))
            .replace(URLS, &serde_json::json!(self.urls).to_string())
            .replace(URL, &inside_json(&self.address.url))
    }
}

/// A text as it stands between the quotes of JSON.
fn inside_json(text: &str) -> String {
    let quoted = serde_json::json!(text).to_string();
    let inside = quoted.strip_prefix('"');
    let inside = inside.and_then(|rest| rest.strip_suffix('"'));
    inside.unwrap_or_default().to_owned()
}

/// A text as it may stand in a query (RFC 3986, section 2.3).
fn percent_encoded(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// Refuses placeholders that nobody fills, and settings without any.
fn check_placeholders(purge: &Purge) -> Result<(), Flaw> {
    let known = [URL, PATH, ID];
    let filled = known
        .iter()
        .fold(purge.address.clone(), |text, known| text.replace(known, ""));
    if filled.contains(['{', '}']) {
        return Err(Flaw {
            field: "address",
            why: "has a placeholder other than {url}, {path} and {id}",
        });
    }
    let is_named = |text: &str| {
        let mut known = known.iter().chain(&[URLS]);
        known.any(|known| text.contains(*known))
    };
    if !is_named(&purge.address) && !is_named(&purge.body) {
        return Err(Flaw {
            field: "address",
            why: "names no image, and neither does the body: one of them needs {url}, {path}, \
                  {id} or, the body, {urls}",
        });
    }
    let starts = purge.address.find('{').unwrap_or(usize::MAX);
    let behind_host = purge
        .address
        .split_once("://")
        .and_then(|(scheme, rest)| Some(scheme.len() + 3 + rest.find(['/', '?', '{'])?));
    let is_ahead = behind_host.is_some_and(|behind| {
        // `{path}` begins with the slash that ends the host.
        starts < behind || (starts == behind && !purge.address[behind..].starts_with(PATH))
    });
    if purge.address != URL && is_ahead {
        return Err(Flaw {
            field: "address",
            why: "may have placeholders in its path and query alone, or be {url}",
        });
    }
    Ok(())
}

/// The address of an image that is none, which shows what the setting comes to.
fn sample(purge: &Purge, site: &Site) -> Result<Uri, Flaw> {
    let flaw = |why| Flaw {
        field: "address",
        why,
    };
    let has_scheme = purge.address.starts_with("http://") || purge.address.starts_with("https://");
    if purge.address != URL && !has_scheme {
        return Err(flaw("must be {url}, or start with http:// or https://"));
    }
    let bad = flaw("is no address, or has a user or a fragment in it");
    if purge.address.contains('#') {
        return Err(bad);
    }
    let (id, address) = sample_image(site).ok_or(bad)?;
    let fill = Fill {
        id: id.as_str(),
        address: &address,
        urls: &[],
    };
    let uri: Uri = fill.address(&purge.address).parse().map_err(|_| bad)?;
    let has_user = uri
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'));
    if has_user { Err(bad) } else { Ok(uri) }
}

fn sample_image(site: &Site) -> Option<(ImageId, Address)> {
    let id: ImageId = SAMPLE_ID.parse().ok()?;
    let address = site.addresses(&id, "jpg").pop()?;
    Some((id, address))
}

fn check_header(purge: &Purge, peer: &Peer) -> Result<(), Flaw> {
    let flaw = |field, why| Err(Flaw { field, why });
    let has_file = !purge.token_file.as_os_str().is_empty();
    if purge.header.is_empty() {
        return match has_file {
            true => flaw("header", "must say where the token of token_file goes"),
            false => Ok(()),
        };
    }
    let why = "must be a name, a colon and a value with one {token}, such as \
               Authorization: Bearer {token}";
    let Some((name, value)) = purge.header.split_once(':') else {
        return flaw("header", why);
    };
    let is_name = HeaderName::from_bytes(name.as_bytes())
        .is_ok_and(|name| ![header::HOST, header::CONTENT_LENGTH].contains(&name));
    let is_value = HeaderValue::from_str(value.trim()).is_ok() && value.matches(TOKEN).count() == 1;
    if !is_name || !is_value {
        return flaw("header", why);
    }
    if !has_file {
        return flaw("token_file", "must name the file with the header's {token}");
    }
    if !peer.is_private() {
        let why = "must start with https:// where a token is sent, but to this machine itself";
        return flaw("address", why);
    }
    Ok(())
}

fn check_body(purge: &Purge, site: &Site) -> Result<(), Flaw> {
    let flaw = |why| Err(Flaw { field: "body", why });
    if purge.body.is_empty() {
        return Ok(());
    }
    if purge.method == PurgeMethod::Purge {
        return flaw("goes with POST and DELETE alone");
    }
    let Some((id, address)) = sample_image(site) else {
        return flaw("has no image to be about");
    };
    let fill = Fill {
        id: id.as_str(),
        address: &address,
        urls: &[&address.url],
    };
    let filled = fill.body(&purge.body);
    if serde_json::from_str::<serde::de::IgnoredAny>(&filled).is_err() {
        return flaw("must be JSON, in which {urls} stands for a list and the others for text");
    }
    if has_placeholder(&filled) {
        return flaw("has a placeholder other than {urls}, {url}, {path} and {id}");
    }
    Ok(())
}

/// Whether there is a word in braces: JSON outside its texts has none.
fn has_placeholder(text: &str) -> bool {
    text.split('{').skip(1).any(|rest| {
        let word = rest.split('}').next().unwrap_or_default();
        let ends = rest.len() > word.len();
        ends && !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic())
    })
}

#[cfg(test)]
mod tests;
