//! A server on this computer that answers as a test wants it to.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Answers one request of several, counted from 0; the connection closes afterwards.
type Answer = dyn Fn(usize, &str, &mut TcpStream) + Send + Sync;

pub(super) struct Server {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(super) fn start(answer: impl Fn(usize, &str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (known, answer): (_, Arc<Answer>) = (Arc::clone(&heads), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (known, answer) = (Arc::clone(&known), Arc::clone(&answer));
                thread::spawn(move || serve(stream.unwrap(), &known, &*answer));
            }
        });
        Self { address, heads }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// The heads of all requests so far, in small letters.
    pub(super) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, heads: &Mutex<Vec<String>>, answer: &Answer) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let number = {
        let mut heads = heads.lock().unwrap();
        heads.push(head.clone());
        heads.len() - 1
    };
    answer(number, &head, &mut stream);
}

/// Sends a head and a body; what the client no longer wants is lost.
pub(super) fn send(stream: &mut TcpStream, head: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {}\r\nConnection: close\r\n\r\n", head.trim().replace('\n', "\r\n"));
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

/// The start of the range that a request asks for.
pub(super) fn range_start(head: &str) -> Option<usize> {
    head.split("range: bytes=").nth(1)?.split('-').next()?.parse().ok()
}
