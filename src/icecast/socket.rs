//! The socket: plain or TLS, read and written without waiting.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr},
    sync::Arc,
};

use rustls::ClientConnection;
use socket2::SockRef;
use tokio::net::TcpStream;

/// A connected socket whose handshake is done.
#[derive(Debug)]
pub(super) enum Socket {
    /// As it is.
    Plain(Arc<TcpStream>),
    /// Encrypted.
    Tls(Arc<TcpStream>, Box<ClientConnection>),
}

/// The socket as rustls wants it: it reports `WouldBlock` where it would wait.
struct NonBlocking<'a>(&'a TcpStream);

impl Read for NonBlocking<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for NonBlocking<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Socket {
    /// The socket below, to wait for while another thread reads and writes.
    pub(super) fn tcp(&self) -> &Arc<TcpStream> {
        match self {
            Self::Plain(tcp) | Self::Tls(tcp, _) => tcp,
        }
    }

    /// It is encrypted.
    pub(super) fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(..))
    }

    /// The server's address.
    pub(super) fn peer(&self) -> io::Result<SocketAddr> {
        self.tcp().peer_addr()
    }

    /// Takes as many of `bytes` as it can without waiting.
    ///
    /// # Errors
    /// `WouldBlock` where it takes none now; anything else ends the connection.
    pub(super) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.flush()? {
            return Err(ErrorKind::WouldBlock.into());
        }
        match self {
            Self::Plain(tcp) => tcp.try_write(bytes),
            Self::Tls(_, tls) => {
                let taken = tls.writer().write(bytes)?;
                self.flush()?;
                Ok(taken)
            }
        }
    }

    /// Hands on what TLS has encrypted and not sent; tells whether all of it is out.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        if let Self::Tls(tcp, tls) = self {
            while tls.wants_write() {
                match tls.write_tls(&mut NonBlocking(tcp)) {
                    Ok(0) => return Err(ErrorKind::WriteZero.into()),
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(true)
    }

    /// Reads what is there without waiting; 0 at the end.
    ///
    /// # Errors
    /// `WouldBlock` where nothing is there; anything else ends the connection.
    pub(super) fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.try_read(buffer),
            Self::Tls(tcp, tls) => loop {
                match tls.reader().read(buffer) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    // A connection that ends without TLS's own goodbye has ended all the same.
                    Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                    read => return read,
                }
                if tls.read_tls(&mut NonBlocking(tcp))? == 0 {
                    return Ok(0);
                }
                tls.process_new_packets().map_err(io::Error::other)?;
            },
        }
    }

    /// Waits until a read may give something; cancel safe.
    pub(super) async fn readable(&self) -> io::Result<()> {
        self.tcp().readable().await
    }

    /// Waits until a write may take something; cancel safe.
    pub(super) async fn writable(&self) -> io::Result<()> {
        self.tcp().writable().await
    }

    /// Reads, waiting as long as it takes; 0 at the end.
    pub(super) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.try_read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.readable().await?,
                read => return read,
            }
        }
    }

    /// Writes all of `bytes`, waiting as long as it takes.
    pub(super) async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.try_write(bytes) {
                Ok(taken) => bytes = bytes.get(taken..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.writable().await?,
                Err(error) => return Err(error),
            }
        }
        self.flush_all().await
    }

    /// Waits until all that was taken is handed to the system.
    pub(super) async fn flush_all(&mut self) -> io::Result<()> {
        while !self.flush()? {
            self.writable().await?;
        }
        Ok(())
    }

    /// Says that nothing more will come, so that the server sees an end and no reset.
    pub(super) async fn finish(&mut self) -> io::Result<()> {
        if let Self::Tls(_, tls) = self {
            tls.send_close_notify();
        }
        self.flush_all().await?;
        SockRef::from(self.tcp().as_ref()).shutdown(Shutdown::Write)
    }
}
