//! What lies in the database of a data folder, entry by entry, for whoever
//! compares it with what should be there. Nothing is decoded here.

use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use crate::data_dir::DataDir;
use crate::{SledRecords, StorageError};

/// Shows every key of a data folder's database with its value. The service must
/// not run: the folder is held meanwhile.
///
/// # Errors
/// [`StorageError::Locked`] while another process has it; when there is no
/// database, or it cannot be read.
pub fn each_entry(data: &Path, visit: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), StorageError> {
    let data_dir = DataDir::lock(data)?;
    let db = data_dir.db();
    if !db.is_dir() {
        let error = io::Error::from(io::ErrorKind::NotFound);
        return Err(StorageError::io(format!("opening {}", db.display()), error));
    }
    SledRecords::open(&db)?.for_each_entry(b"", |key, value| {
        visit(key, value);
        ControlFlow::Continue(())
    })
}
