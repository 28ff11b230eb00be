//! The part of the Lambda Runtime API that a function uses before its first invocation.

use std::error::Error;
use std::io::{BufRead, BufReader, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// How a function asks for its next invocation.
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.
const NEXT: &str = "GET /2018-06-01/runtime/invocation/next HTTP/1.1";
/// How often the wait checks whether a function has connected.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A Runtime API that has no invocations and never answers.
pub(crate) struct RuntimeApi(TcpListener);

/// A function's pending request for an invocation. Dropping it closes the connection, and the function would fail.
pub(crate) struct WaitingFunction {
    _connection: BufReader<TcpStream>,
}

impl RuntimeApi {
    /// Listens on a free port of the loopback interface.
    ///
    /// # Errors
    /// There is no free port.
    pub(crate) fn listen() -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    /// The address that it listens on.
    ///
    /// # Errors
    /// The operating system does not report it.
    pub(crate) fn address(&self) -> std::io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Waits for at most `limit` until a function asks for an invocation. Meanwhile `check` is called repeatedly, and
    /// can end the wait for a function that has exited.
    ///
    /// # Errors
    /// The function sent another request (this is how it reports a failed start), it sent none in time, or `check`
    /// failed.
    pub(crate) fn wait_for_next(
        &self,
        limit: Duration,
        mut check: impl FnMut() -> Result<(), Box<dyn Error>>,
    ) -> Result<WaitingFunction, Box<dyn Error>> {
        let end = Instant::now() + limit;
        let connection = loop {
            match self.0.accept() {
                Ok((connection, _)) => break connection,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
            check()?;
            if Instant::now() >= end {
                return Err(format!("it did not ask for work within {limit:?}").into());
            }
            std::thread::sleep(LOOK_EVERY);
        };
        connection.set_nonblocking(false)?;
        connection.set_read_timeout(Some(limit))?;
        let mut connection = BufReader::new(connection);
        let mut request = String::new();
        connection.read_line(&mut request)?;
        match request.trim_end() {
            NEXT => Ok(WaitingFunction {
                _connection: connection,
            }),
            other => Err(format!("it did not ask for work, but for {other:?}").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NEXT, RuntimeApi};
    use std::io::Write;
    use std::net::TcpStream;
    use std::time::Duration;

    const LIMIT: Duration = Duration::from_secs(10);

    fn call(api: &RuntimeApi, line: &str) -> TcpStream {
        let mut stream = TcpStream::connect(api.address().unwrap()).unwrap();
        write!(stream, "{line}\r\n\r\n").unwrap();
        stream
    }

    #[test]
    fn a_request_for_work_is_recognised_and_any_other_is_refused() {
        let api = RuntimeApi::listen().unwrap();
        let _asking = call(&api, NEXT);
        assert!(api.wait_for_next(LIMIT, || Ok(())).is_ok());
        let _failing = call(&api, "POST /2018-06-01/runtime/init/error HTTP/1.1");
        assert!(api.wait_for_next(LIMIT, || Ok(())).is_err());
    }

    #[test]
    fn the_wait_ends_with_its_limit_and_with_a_failed_check() {
        let api = RuntimeApi::listen().unwrap();
        assert!(api.wait_for_next(Duration::ZERO, || Ok(())).is_err());
        assert!(api.wait_for_next(LIMIT, || Err("gone".into())).is_err());
    }
}
