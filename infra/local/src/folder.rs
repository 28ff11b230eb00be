//! The folder of the data: one server at a time works on it, and a data file that is not whole is refused.
//!
//! The file `lock` is locked while a server works on the folder, and its text says whether the folder has data. The
//! data file says in its header (SQLite's `user_version`) whether it was closed or is in use. While it is in use, the
//! newest changes may be in its `-wal` file alone; closing it folds them in first and marks it second.
//!
//! **What this detects:** a data file that is missing beside its `lock`; one that is empty, cut short or damaged in its
//! structure; one that was copied without its `-wal` file from a server that ran, or that was killed; one without the
//! table.
//!
//! **What it cannot detect:** a `-wal` file and a data file that were copied at different moments, unless the structure
//! suffers; an older data file in place of a newer one, when each was closed; changed bytes within a value, which are
//! for `verify` to find; and anything about a data file from before this mark, until it is opened once. Another program
//! that folds the `-wal` file in after a kill leaves the mark, so the file is refused although it is whole.

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The file of the data, in its folder.
pub const FILE: &str = "table.sqlite";
/// The file that a server locks.
const LOCK: &str = "lock";
/// What the lock file says until the first data is whole.
const BEING_MADE: &str = "The data of this folder is being made.\n";
/// What it says from then on.
const MADE: &str = "This folder has the data of Site Credits in table.sqlite.\n";
/// How much of the lock file is read.
const LONGEST_TEXT_BYTES: u64 = 200;
/// How long a statement waits for another program.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The header of a data file.
const HEADER_BYTES: usize = 100;
/// What it begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// `user_version` of a file that holds everything.
const CLOSED: u32 = 1;
/// `user_version` of a file that may need its `-wal` file.
const IN_USE: u32 = 2;

/// The folder or its data cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another process has it.
    #[error(
        "{0} is in use by another server, or is being copied: stop that, or name another folder with --data"
    )]
    InUse(String),
    /// There is no data in it.
    #[error("there is no data in {0}")]
    NoData(String),
    /// The data file is gone.
    #[error("{0} is missing, although its folder had data: restore a backup")]
    Missing(String),
    /// The data file has no byte.
    #[error("{0} is empty (0 bytes), which a data file never is: restore a backup")]
    Empty(String),
    /// The data file is another kind of file, or only the beginning of one.
    #[error("{0} is not a data file, or is cut short within its header: restore a backup")]
    NoHeader(String),
    /// The data file is too short.
    #[error("{file} is cut short: it has {bytes} bytes of {expected}; restore a backup")]
    CutShort {
        /// The data file.
        file: String,
        /// Its length, in bytes.
        bytes: u64,
        /// The length that its header has, in bytes.
        expected: u64,
    },
    /// The newest changes were left behind.
    #[error(
        "{0} was in use and its -wal file, which has the newest changes, is missing: copy both, or make the copy with \
         `cargo run -- backup`"
    )]
    WithoutWal(String),
    /// The engine finds its structure damaged.
    #[error("{file} is damaged or cut short ({what}): restore a backup")]
    Damaged {
        /// The data file.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// The data file has no table.
    #[error("{0} has no table of Site Credits: restore a backup")]
    NoTable(String),
    /// A backup goes into a folder of its own.
    #[error("{0} is not empty: a backup needs a folder of its own")]
    NotEmpty(String),
    /// No space is left.
    #[error("the disk is full: {0} cannot be written")]
    Full(String),
    /// It cannot be written.
    #[error("{0} is read-only, or this user may not write it")]
    ReadOnly(String),
    /// A file of it cannot be used.
    #[error("{0} cannot be used")]
    File(String, #[source] io::Error),
    /// The engine cannot use the data file.
    #[error("{0} cannot be used")]
    Sqlite(String, #[source] rusqlite::Error),
}

impl FolderError {
    /// What an error of a file's or folder's path means.
    pub(crate) fn of_file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.display().to_string();
        move |error| match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full(path),
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::ReadOnly(path),
            _ => Self::File(path, error),
        }
    }

    /// What the engine's error about a data file means.
    fn of_sqlite(file: &Path) -> impl FnOnce(rusqlite::Error) -> Self {
        let path = file.display().to_string();
        move |error| match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full(path),
            Some(ErrorCode::ReadOnly) => Self::ReadOnly(path),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::InUse(path),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged {
                file: path,
                what: error.to_string(),
            },
            _ => Self::Sqlite(path, error),
        }
    }
}

/// A folder that this process has to itself, and whose data file is in use. Dropping it closes the data file.
pub struct Folder {
    path: PathBuf,
    is_new: bool,
    /// It outlives the engine's own connection, so that the engine never folds the `-wal` file in by itself.
    connection: Mutex<Connection>,
    lock: File,
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Folder")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Folder {
    /// Takes a folder, which is made if it is not there, checks its data file and marks it as in use.
    ///
    /// # Errors
    /// See [`FolderError`].
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        fs::create_dir_all(path).map_err(FolderError::of_file(path))?;
        let lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join(LOCK))
            .map_err(FolderError::of_file(path))?;
        taken(lock.try_lock(), path)?;
        let is_new = inspect(path, &said(&lock, path)?)?;
        let file = path.join(FILE);
        if is_new {
            write(&lock, BEING_MADE).map_err(FolderError::of_file(path))?;
        }
        let connection = connect(&file, is_new).and_then(|connection| {
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            Ok(connection)
        });
        let connection = connection.map_err(|error| {
            match (error.sqlite_error_code(), probe(path)) {
                // SQLite does not say why it could not make a file beside the data file.
                (Some(ErrorCode::CannotOpen), Err(cause)) => FolderError::of_file(path)(cause),
                _ => FolderError::of_sqlite(&file)(error),
            }
        })?;
        check(&connection, &file)?;
        mark(&connection, IN_USE).map_err(FolderError::of_sqlite(&file))?;
        Ok(Self {
            path: path.to_owned(),
            is_new,
            connection: Mutex::new(connection),
            lock,
        })
    }

    /// The path of the data file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.path.join(FILE)
    }

    /// Whether there was no data, so that the table has to be made.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Notes that the folder has data. From now on there must be some.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn made(&self) -> Result<(), FolderError> {
        write(&self.lock, MADE).map_err(FolderError::of_file(&self.path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let connection = self
            .connection
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = close(connection) {
            let folder = self.path.display().to_string();
            let error: &dyn std::error::Error = &error;
            tracing::error!(
                folder,
                error,
                "the data could not be closed; its -wal file belongs to it"
            );
        }
    }
}

/// Folds everything into the data file and marks it as closed.
fn close(connection: &Connection) -> rusqlite::Result<()> {
    // Every connection overwrites what it deletes (`.cargo/config.toml`), but not the copies that SQLite left in the
    // gaps of pages when it moved rows between them. Rewriting the file leaves no gap.
    let rewritten = connection.execute_batch("VACUUM");
    // In this order, so that a file which says that it is closed has everything.
    fold(connection)?;
    mark(connection, CLOSED)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    rewritten
}

/// Makes a folder for a copy of another folder's data.
///
/// # Errors
/// See [`FolderError`]; a folder with anything in it is one.
pub fn back_up(from: &Path, to: &Path) -> Result<(), FolderError> {
    fs::create_dir_all(to).map_err(FolderError::of_file(to))?;
    let mut entries = fs::read_dir(to).map_err(FolderError::of_file(to))?;
    if entries.next().is_some() {
        return Err(FolderError::NotEmpty(to.display().to_string()));
    }
    let (part, file) = (to.join(format!("{FILE}.part")), to.join(FILE));
    copy(from, &part).inspect_err(|_| {
        // The folder can be tried again.
        drop(fs::remove_file(&part));
        drop(fs::remove_file(wal(&part)));
    })?;
    // The text comes first: without the data file it makes the folder an error, and not a new one.
    let lock = File::create_new(to.join(LOCK)).map_err(FolderError::of_file(to))?;
    write(&lock, MADE).map_err(FolderError::of_file(to))?;
    fs::rename(&part, &file).map_err(FolderError::of_file(&file))?;
    let folder = File::open(to).and_then(|folder| folder.sync_all());
    folder.map_err(FolderError::of_file(to))
}

/// Copies a folder's data as it is at this instant into one closed file, also while a server works on it. The folder
/// itself is left as it is.
///
/// # Errors
/// See [`FolderError`]; a folder without data is one.
pub fn copy(from: &Path, to: &Path) -> Result<(), FolderError> {
    let file = from.join(FILE);
    match File::open(from.join(LOCK)) {
        Ok(lock) => match lock.try_lock_shared() {
            // A snapshot by SQLite, beside the server.
            Err(TryLockError::WouldBlock) => {
                let live = connect(&file, false).and_then(|live| {
                    live.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
                    Ok(live)
                });
                live.map_err(FolderError::of_sqlite(&file))?
                    .execute("VACUUM INTO ?1", [to.to_string_lossy()])
                    .map_err(FolderError::of_sqlite(to))?;
            }
            result => {
                taken(result, from)?;
                copy_files(from, &said(&lock, from)?, to)?;
            }
        },
        Err(error) if error.kind() == ErrorKind::NotFound => copy_files(from, "", to)?,
        Err(error) => return Err(FolderError::of_file(from)(error)),
    }
    let connection = connect(to, false).map_err(FolderError::of_sqlite(to))?;
    check(&connection, &file)?;
    let closed = connection
        .pragma_update(None, "journal_mode", "DELETE")
        .and_then(|()| connection.execute_batch("VACUUM"))
        .and_then(|()| connection.pragma_update(None, "user_version", CLOSED));
    closed.map_err(FolderError::of_sqlite(to))
}

/// Copies the files of a folder on which no server works.
fn copy_files(from: &Path, said: &str, to: &Path) -> Result<(), FolderError> {
    if inspect(from, said)? {
        return Err(FolderError::NoData(from.display().to_string()));
    }
    let file = from.join(FILE);
    fs::copy(&file, to).map_err(FolderError::of_file(to))?;
    if wal(&file).exists() {
        fs::copy(wal(&file), wal(to)).map_err(FolderError::of_file(to))?;
    }
    Ok(())
}

/// The `-wal` file of a data file.
fn wal(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Whether files can be made in a folder.
fn probe(folder: &Path) -> io::Result<()> {
    let file = folder.join("probe");
    File::create(&file)?;
    fs::remove_file(&file)
}

/// What trying the lock came to.
fn taken(tried: Result<(), TryLockError>, folder: &Path) -> Result<(), FolderError> {
    tried.map_err(|error| match error {
        TryLockError::WouldBlock => FolderError::InUse(folder.display().to_string()),
        TryLockError::Error(error) => FolderError::of_file(folder)(error),
    })
}

/// What the lock file says.
fn said(lock: &File, folder: &Path) -> Result<String, FolderError> {
    let mut text = Vec::new();
    lock.take(LONGEST_TEXT_BYTES)
        .read_to_end(&mut text)
        .map_err(FolderError::of_file(folder))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Replaces what the lock file says.
fn write(mut lock: &File, text: &str) -> io::Result<()> {
    io::Seek::rewind(&mut lock)?;
    lock.set_len(0)?;
    lock.write_all(text.as_bytes())?;
    lock.sync_all()
}

/// Looks at the data file before the engine does, which would make a new one of what is not there. True if the folder
/// is new.
///
/// It opens and closes the data file, so this process must have no connection to it: closing it would drop SQLite's
/// locks.
fn inspect(folder: &Path, said: &str) -> Result<bool, FolderError> {
    let path = folder.join(FILE);
    let file = || path.display().to_string();
    let opened = match File::open(&path) {
        Ok(opened) => opened,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return match said {
                "" | BEING_MADE => Ok(true),
                _ => Err(FolderError::Missing(file())),
            };
        }
        Err(error) => return Err(FolderError::of_file(&path)(error)),
    };
    let bytes = opened
        .metadata()
        .map_err(FolderError::of_file(&path))?
        .len();
    match (bytes, said) {
        // A server that makes its folder may die at any point.
        (_, BEING_MADE) => return Ok(true),
        (0, _) => return Err(FolderError::Empty(file())),
        _ => {}
    }
    let mut header = Vec::new();
    let read = opened.take(HEADER_BYTES as u64).read_to_end(&mut header);
    read.map_err(FolderError::of_file(&path))?;
    let header: [u8; HEADER_BYTES] = header
        .try_into()
        .map_err(|_| FolderError::NoHeader(file()))?;
    if !header.starts_with(MAGIC) {
        return Err(FolderError::NoHeader(file()));
    }
    let wal_bytes = fs::metadata(wal(&path)).ok().map(|wal| wal.len());
    if wal_bytes.is_none() && number(&header, 60) == IN_USE {
        return Err(FolderError::WithoutWal(file()));
    }
    // With changes in the `-wal` file, the file may have another length than its header says.
    let expected = length(&header);
    if wal_bytes.unwrap_or_default() == 0 && bytes < expected {
        return Err(FolderError::CutShort {
            file: file(),
            bytes,
            expected,
        });
    }
    Ok(false)
}

/// The length of a data file by its header, in bytes: pages times the size of one. 0 if the header does not say.
fn length(header: &[u8; HEADER_BYTES]) -> u64 {
    // The number of pages counts only if it was written with the last change (SQLite's file format, 1.3.7 and 1.3.8).
    if number(header, 24) != number(header, 92) {
        return 0;
    }
    let page_bytes = match u64::from(u16::from_be_bytes([header[16], header[17]])) {
        1 => 65_536,
        bytes => bytes,
    };
    u64::from(number(header, 28)) * page_bytes
}

/// A number of a header.
fn number(header: &[u8; HEADER_BYTES], at: usize) -> u32 {
    u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
}

/// A connection beside the engine's.
fn connect(file: &Path, create: bool) -> rusqlite::Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags.set(OpenFlags::SQLITE_OPEN_CREATE, create);
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// Has SQLite check the structure of every page. The error names `file`, of which it may be a copy.
fn check(connection: &Connection, file: &Path) -> Result<(), FolderError> {
    let what: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(FolderError::of_sqlite(file))?;
    if what == "ok" {
        return Ok(());
    }
    // The line before says which database it is about.
    let what = what.lines().last().unwrap_or_default().to_owned();
    let file = file.display().to_string();
    Err(FolderError::Damaged { file, what })
}

/// Marks the data file itself, not only its `-wal` file.
fn mark(connection: &Connection, state: u32) -> rusqlite::Result<()> {
    connection.pragma_update(None, "user_version", state)?;
    fold(connection)
}

/// Folds the `-wal` file into the data file, and leaves it empty.
fn fold(connection: &Connection) -> rusqlite::Result<()> {
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
        row.get::<_, bool>(0)
    })?;
    if busy {
        let busy = ffi::Error::new(ffi::SQLITE_BUSY);
        return Err(rusqlite::Error::SqliteFailure(busy, None));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_file(kind: ErrorKind) -> String {
        FolderError::of_file(Path::new("/data"))(kind.into()).to_string()
    }

    fn of_sqlite(statements: &str) -> String {
        let connection = Connection::open_in_memory().unwrap();
        let error = connection.execute_batch(statements).unwrap_err();
        FolderError::of_sqlite(Path::new("/data"))(error).to_string()
    }

    #[test]
    fn a_full_disk_and_a_read_only_folder_are_told_as_what_they_are() {
        let full = "the disk is full: /data cannot be written";
        assert_eq!(of_file(ErrorKind::StorageFull), full);
        let statements = "PRAGMA max_page_count = 3; CREATE TABLE t (v);
            INSERT INTO t VALUES (zeroblob(100000));";
        assert_eq!(of_sqlite(statements), full);
        let read_only = "/data is read-only, or this user may not write it";
        assert_eq!(of_file(ErrorKind::ReadOnlyFilesystem), read_only);
        assert_eq!(of_file(ErrorKind::PermissionDenied), read_only);
        let query_only = "PRAGMA query_only = ON; CREATE TABLE t (v);";
        assert_eq!(of_sqlite(query_only), read_only);
    }

    #[test]
    fn every_connection_overwrites_what_it_deletes() {
        let connection = Connection::open_in_memory().unwrap();
        let on: bool = connection
            .pragma_query_value(None, "secure_delete", |row| row.get(0))
            .unwrap();
        assert!(
            on,
            "SQLite was built without the flags of .cargo/config.toml"
        );
    }
}
