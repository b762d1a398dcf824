//! A cache in front on loopback, which is told to purge and writes down what it was
//! told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What was sent.
#[derive(Debug, Clone)]
pub struct Told {
    /// The method.
    pub method: String,
    /// The path, with its query.
    pub path: String,
    /// Names in lower case, with their values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Told {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// The cache. It listens as long as the process lives.
#[derive(Debug)]
pub struct Cdn {
    address: SocketAddr,
    told: Arc<Mutex<Vec<Told>>>,
    is_away: Arc<AtomicBool>,
}

impl Cdn {
    /// One that answers everything with 200.
    ///
    /// # Panics
    /// When it cannot listen.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
        let cdn = Self {
            address: listener.local_addr().expect("it is bound"),
            told: Arc::default(),
            is_away: Arc::default(),
        };
        let (told, is_away) = (Arc::clone(&cdn.told), Arc::clone(&cdn.is_away));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (told, is_away) = (Arc::clone(&told), Arc::clone(&is_away));
                std::thread::spawn(move || listen(&stream, &told, &is_away));
            }
        });
        cdn
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on it hangs up without a word, or answers again.
    pub fn go_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::Relaxed);
    }

    /// Everything that it was told and has answered.
    #[must_use]
    pub fn told(&self) -> Vec<Told> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.clone()
    }

    /// Whether it was told of a path by this method.
    #[must_use]
    pub fn was_told(&self, method: &str, path: &str) -> bool {
        let told = self.told();
        let mut told = told.iter();
        told.any(|told| told.method == method && told.path == path)
    }
}

fn listen(stream: &TcpStream, told: &Mutex<Vec<Told>>, is_away: &AtomicBool) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        if is_away.load(Ordering::Relaxed) {
            return;
        }
        let mut all = told.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(request);
        drop(all);
        let mut stream = stream;
        if stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .is_err()
        {
            return;
        }
    }
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Told> {
    let first = read_line(reader)?;
    let (method, rest) = first.split_once(' ')?;
    let (path, _) = rest.split_once(' ')?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut told = Told {
        method: method.to_owned(),
        path: path.to_owned(),
        headers,
        body: String::new(),
    };
    let n_bytes = told.header("content-length").unwrap_or("0").parse().ok()?;
    reader
        .by_ref()
        .take(n_bytes)
        .read_to_string(&mut told.body)
        .ok()?;
    Some(told)
}

fn read_line(reader: &mut BufReader<&TcpStream>) -> Option<String> {
    let mut line = String::new();
    let n_bytes = reader.read_line(&mut line).ok()?;
    (n_bytes > 0).then(|| line.trim_end().to_owned())
}
