//! The local server answers requests to its own host alone, and its local routes no foreign web page.

use crate::server::Server;
use insta::assert_snapshot;
use std::io::{Read, Write};
use std::net::TcpStream;

/// Sends a request with exactly these headers, and returns the status and body of the answer.
fn ask(server: &Server, line: &str, headers: &[String]) -> String {
    let address = server.address.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let headers = headers.iter().map(|header| format!("{header}\r\n"));
    let headers = headers.collect::<String>();
    let body = r#"{"email":"kim@example.com"}"#;
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap();
    // A token is as good as any other.
    let body = if body.contains("access_token") {
        "a token"
    } else {
        body
    };
    format!("{status} {body}")
}

const TOKEN: &str = "POST /_local/token";
const CLOCK: &str = "GET /_local/clock";
const DEDUCT: &str = "POST /2015-03-31/functions/deduct-monthly/invocations";

#[test]
fn a_foreign_host_gets_no_answer() {
    let folder = std::env::temp_dir().join(format!("site-credits-hosts-{}", std::process::id()));
    let server = Server::start(&folder, &["--clock", "2027-01-31T08:00:00Z"]);
    let port = server.address.rsplit(':').next().unwrap().to_owned();
    let own = format!("host: 127.0.0.1:{port}");
    let shown = |line: &str, headers: &[String]| ask(&server, line, headers).replace(&port, "PORT");
    for name in ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"] {
        let answer = shown(TOKEN, &[format!("host: {name}:{port}")]);
        assert_eq!(answer, "200 a token", "{name}");
    }
    let refused = shown(CLOCK, &[format!("host: evil.example:{port}")]);
    assert_snapshot!(refused, @r#"403 {"message":"This server answers only requests to its own host: one of 127.0.0.1, localhost, [::1], with the port PORT."}"#);
    for line in [TOKEN, DEDUCT, "GET /openapi.yaml", "GET /sites"] {
        for host in [
            "evil.example",
            "evil.example:3000",
            "127.0.0.1",
            "127.0.0.1:1",
        ] {
            let answer = shown(line, &[format!("host: {host}")]);
            assert_eq!(answer, refused, "{line} {host}");
        }
        let two = [own.clone(), format!("host: evil.example:{port}")];
        assert!(!shown(line, &two).starts_with("200"), "{line}: two hosts");
        assert!(!shown(line, &[]).starts_with("200"), "{line}: no host");
    }
    let target = format!("POST http://evil.example:{port}/_local/token");
    assert!(!shown(&target, &[own]).starts_with("200"));
    drop(server);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_foreign_page_gets_no_answer_of_the_local_routes() {
    let folder = std::env::temp_dir().join(format!("site-credits-pages-{}", std::process::id()));
    let server = Server::start(&folder, &["--clock", "2027-01-31T08:00:00Z"]);
    let port = server.address.rsplit(':').next().unwrap().to_owned();
    let from = |line: &str, origin: &str| {
        let headers = [
            format!("host: 127.0.0.1:{port}"),
            format!("origin: {origin}"),
        ];
        ask(&server, line, &headers)
    };
    let refused = from(TOKEN, "https://evil.example");
    assert_snapshot!(refused, @r#"403 {"message":"The local routes answer no web page of another origin."}"#);
    let secure = format!("https://127.0.0.1:{port}");
    let foreign = [
        "null",
        "",
        "http://localhost",
        "http://evil.example:3000",
        &secure,
    ];
    for line in [
        TOKEN,
        CLOCK,
        DEDUCT,
        "PUT /_local/clock",
        "DELETE /_local/clock",
    ] {
        for origin in foreign {
            assert_eq!(from(line, origin), refused, "{line} {origin}");
        }
    }
    let own = from(TOKEN, &format!("http://localhost:{port}"));
    assert_eq!(own, "200 a token");
    // The routes of the deployed API do not look at it: they ask for a token.
    let page = from("GET /sites", "https://evil.example");
    assert_snapshot!(page, @r#"401 {"message":"Unauthorized"}"#);
    drop(server);
    std::fs::remove_dir_all(&folder).unwrap();
}
