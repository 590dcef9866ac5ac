//! What a power cut leaves of a folder: the model of a disk that keeps only what was synchronised.
//!
//! - A file has everything before its last `fsync`. Each later write is kept, dropped, or torn at sectors.
//! - The folder has all names before its own last `fsync`. Of the later changes of names a first part is kept, as a file
//!   system with a journal keeps them. An `fsync` of a file says nothing about its name.

use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Bytes that a disk writes whole.
const SECTOR: usize = 512;

/// A change to a file's content.
enum Change {
    Bytes { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

/// A file from its creation on. An inode may be used again, so that its number does not name a file.
#[derive(Default)]
struct Content {
    /// On the disk.
    durable: Vec<u8>,
    /// Since the last `fsync`.
    volatile: Vec<Change>,
}

/// A change to a name of the folder. `None` removes it.
struct Naming {
    name: PathBuf,
    file: Option<usize>,
}

/// A folder without subfolders, as it was before a run and with the changes in the run's journal.
pub(super) struct Disk {
    folder: PathBuf,
    files: Vec<Content>,
    /// The file that an inode is now.
    inodes: HashMap<u64, usize>,
    /// Names on the disk.
    durable: BTreeMap<PathBuf, usize>,
    /// Since the last `fsync` of the folder.
    volatile: Vec<Naming>,
}

impl Disk {
    /// The folder as it is, all of it on the disk.
    pub(super) fn of(folder: &Path) -> Self {
        let folder = folder.canonicalize().unwrap();
        let mut disk = Disk {
            folder,
            files: Vec::new(),
            inodes: HashMap::new(),
            durable: BTreeMap::new(),
            volatile: Vec::new(),
        };
        for (name, inode) in names(&disk.folder) {
            disk.inodes.insert(inode, disk.files.len());
            disk.durable.insert(name.clone(), disk.files.len());
            disk.files.push(Content { durable: std::fs::read(name).unwrap(), volatile: Vec::new() });
        }
        disk
    }

    /// Applies the journal of `shim.c`, and then what the folder has and the journal does not tell.
    pub(super) fn apply(&mut self, journal: &[u8]) {
        let mut rest = journal;
        let mut take = |length: usize| {
            let (taken, left) = rest.split_at(length);
            rest = left;
            taken.to_vec()
        };
        let mut left = journal.len();
        while left > 0 {
            let head = take(32);
            let number = |at: usize| u64::from_ne_bytes(head[at..at + 8].try_into().unwrap()) as usize;
            let word = |at: usize| u32::from_ne_bytes(head[at..at + 4].try_into().unwrap());
            let (inode, offset, length) = (number(8) as u64, number(16), number(24));
            let path = path(take(word(4) as usize));
            left -= 32 + word(4) as usize + length;
            let bytes = take(length);
            match word(0) {
                1 => {
                    self.inodes.insert(inode, self.files.len());
                    self.volatile.push(Naming { name: path, file: Some(self.files.len()) });
                    self.files.push(Content::default());
                }
                2 => self.content(inode).volatile.push(Change::Bytes { offset, bytes }),
                3 => self.content(inode).volatile.push(Change::Length(offset)),
                4 if path == self.folder => {
                    self.durable = self.kept_names(self.volatile.len());
                    self.volatile.clear();
                }
                4 => self.content(inode).synchronise(),
                5 => {
                    let file = self.current_names()[&path];
                    self.volatile.push(Naming { name: path, file: None });
                    self.volatile.push(Naming { name: self::path(bytes), file: Some(file) });
                }
                6 => self.volatile.push(Naming { name: path, file: None }),
                change => panic!("no change has the number {change}"),
            }
        }
        self.see_unseen_names();
    }

    /// Adds the renames that the journal does not have.
    fn see_unseen_names(&mut self) {
        let known = self.current_names();
        let found: BTreeMap<PathBuf, usize> =
            names(&self.folder).into_iter().map(|(name, inode)| (name, self.inodes[&inode])).collect();
        for (name, file) in &found {
            if known.get(name) != Some(file) {
                self.volatile.push(Naming { name: name.clone(), file: Some(*file) });
            }
        }
        for name in known.into_keys().filter(|name| !found.contains_key(name)) {
            self.volatile.push(Naming { name, file: None });
        }
    }

    fn content(&mut self, inode: u64) -> &mut Content {
        let file = self.inodes[&inode];
        &mut self.files[file]
    }

    /// The names with the first `changes` of those since the last `fsync`.
    fn kept_names(&self, changes: usize) -> BTreeMap<PathBuf, usize> {
        let mut kept = self.durable.clone();
        for Naming { name, file } in &self.volatile[..changes] {
            match file {
                Some(file) => kept.insert(name.clone(), *file),
                None => kept.remove(name),
            };
        }
        kept
    }

    fn current_names(&self) -> BTreeMap<PathBuf, usize> {
        self.kept_names(self.volatile.len())
    }

    /// Makes the folder one that a power cut may leave. Returns a description.
    pub(super) fn cut(self, random: &mut fastrand::Rng) -> String {
        // A file that was not changed since it was synchronised keeps its time, by which a run knows it again.
        let times: HashMap<usize, SystemTime> = names(&self.folder)
            .into_iter()
            .map(|(name, inode)| (self.inodes[&inode], name.metadata().unwrap().modified().unwrap()))
            .collect();
        let kept = match random.u32(0..3) {
            0 => 0,
            1 => self.volatile.len(),
            _ => random.usize(0..=self.volatile.len()),
        };
        let mut description = format!("{kept} of {} names", self.volatile.len());
        for (name, _) in names(&self.folder) {
            std::fs::remove_file(name).unwrap();
        }
        for (name, file) in self.kept_names(kept) {
            let content = &self.files[file];
            let (bytes, how) = content.after_cut(random);
            description.push_str(&format!(", {}: {how}", name.file_name().unwrap().display()));
            std::fs::write(&name, bytes).unwrap();
            let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(&name, private).unwrap();
            if let (true, Some(time)) = (content.volatile.is_empty(), times.get(&file)) {
                std::fs::File::options().write(true).open(&name).unwrap().set_modified(*time).unwrap();
            }
        }
        description
    }
}

impl Content {
    fn synchronise(&mut self) {
        for change in std::mem::take(&mut self.volatile) {
            change.apply(&mut self.durable);
        }
    }

    /// The content after a power cut, and how much of it was kept.
    fn after_cut(&self, random: &mut fastrand::Rng) -> (Vec<u8>, String) {
        let mut bytes = self.durable.clone();
        let all = self.volatile.len();
        // Disks write in order, in any order, at once, or never.
        let first = match random.u32(0..4) {
            0 => 0,
            1 => all,
            _ => random.usize(0..=all),
        };
        let keeps_later = random.bool();
        for change in &self.volatile[..first] {
            change.apply(&mut bytes);
        }
        for change in &self.volatile[first..] {
            if keeps_later {
                change.apply_in_part(&mut bytes, random);
            }
        }
        (bytes, format!("{first}{} of {all} changes", if keeps_later { " and parts" } else { "" }))
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Change::Bytes { offset, bytes } => put(content, *offset, bytes),
            Change::Length(length) => content.resize(*length, 0),
        }
    }

    /// Keeps all, some sectors, or nothing.
    fn apply_in_part(&self, content: &mut Vec<u8>, random: &mut fastrand::Rng) {
        match (random.u32(0..3), self) {
            (0, _) => {}
            (1, Change::Bytes { offset, bytes }) => {
                let mut at = 0;
                while at < bytes.len() {
                    let end = bytes.len().min(at + SECTOR - (offset + at) % SECTOR);
                    if random.bool() {
                        put(content, offset + at, &bytes[at..end]);
                    }
                    at = end;
                }
            }
            (_, change) => change.apply(content),
        }
    }
}

/// Writes bytes of a file, with zeros before them where the file is shorter.
fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

/// Paths of a folder's files, with their inodes.
fn names(folder: &Path) -> Vec<(PathBuf, u64)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.path(), entry.metadata().unwrap().ino())).collect()
}

fn path(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(std::ffi::OsString::from(String::from_utf8(bytes).unwrap()))
}
