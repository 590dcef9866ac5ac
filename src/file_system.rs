//! The file system that a folder is on, and what it risks for a ledger.
//!
//! `/proc/self/mountinfo` (proc_pid_mountinfo(5)) names the type, with FUSE's subtype, and the mount point; without `/proc`
//! the number of statfs(2) names the type alone. The source of a mount is never shown: it may hold a password.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::mounts::{Mount, mounts};
use crate::printable::ShownPath as _;

/// The file system of a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileSystem {
    kind: FileSystemKind,
    /// Name for people, such as `NFS`; empty if its type says enough.
    title: &'static str,
    /// Type, such as `ext4` or `fuse.sshfs`.
    type_name: String,
    mount_point: Option<PathBuf>,
}

/// Kinds of file systems, by what they do to locks, mapped memory and fsync.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileSystemKind {
    /// A disk of this host. Nothing to say.
    Local,
    /// Memory: gone after a restart.
    Memory,
    /// A server or a cluster.
    Network,
    /// A folder of the host of a virtual machine or container.
    Shared,
    /// A program that provides files; unknown which promises it keeps.
    Fuse,
    /// Objects of a bucket, shown as files.
    ObjectStore,
    /// Not in the table.
    Unknown,
}

use FileSystemKind::{Fuse, Local, Memory, Network, ObjectStore, Shared, Unknown};

/// Names of types, subtypes of FUSE and, where a program sets no subtype, of its source.
const TYPES: [(&[&str], &str, FileSystemKind); 27] = [
    (&["ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "overlay", "f2fs", "bcachefs"], "", Local),
    (&["ntfs3", "ntfs", "fuseblk", "vfat", "msdos", "exfat", "jfs", "nilfs2", "ecryptfs"], "", Local),
    (&["tmpfs", "ramfs"], "", Memory),
    (&["nfs", "nfs4"], "NFS", Network),
    (&["cifs", "smb2", "smb3", "smbfs"], "SMB", Network),
    (&["ceph", "ceph-fuse"], "CephFS", Network),
    (&["lustre"], "Lustre", Network),
    (&["glusterfs"], "GlusterFS", Network),
    (&["juicefs", "JuiceFS"], "JuiceFS", Network),
    (&["afs"], "AFS", Network),
    (&["gpfs"], "IBM Storage Scale", Network),
    (&["beegfs"], "BeeGFS", Network),
    (&["sshfs"], "SSHFS", Network),
    (&["9p"], "a folder of the host", Shared),
    (&["virtiofs"], "a folder of the host", Shared),
    (&["vboxsf"], "a folder of VirtualBox's host", Shared),
    (&["vmhgfs-fuse"], "a folder of VMware's host", Shared),
    (&["prl_fs"], "a folder of Parallels' host", Shared),
    (&["grpcfuse", "osxfs", "fakeowner"], "a folder of Docker Desktop's host", Shared),
    (&["s3fs"], "s3fs", ObjectStore),
    (&["mountpoint-s3", "mount-s3"], "Mountpoint for Amazon S3", ObjectStore),
    (&["goofys", "geesefs"], "an S3 bucket", ObjectStore),
    (&["gcsfuse"], "Cloud Storage FUSE", ObjectStore),
    (&["blobfuse", "blobfuse2"], "Azure Blob Storage", ObjectStore),
    (&["ossfs"], "an OSS bucket", ObjectStore),
    (&["rclone"], "rclone", ObjectStore),
    (&["fuse"], "FUSE", Fuse),
];

/// Numbers of statfs(2), from its manual page and linux/magic.h; of Lustre, VirtualBox, IBM Storage Scale and OpenZFS, which
/// neither lists, from coreutils' stat.c.
const NUMBERS: [(u32, &str); 22] = [
    (0x6969, "nfs"),
    (0x517B, "smbfs"),
    (0xFF53_4D42, "cifs"),
    (0xFE53_4D42, "smb3"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "fuse"),
    (0x00C3_6400, "ceph"),
    (0x0BD0_0BD0, "lustre"),
    (0x5346_414F, "afs"),
    (0x4750_4653, "gpfs"),
    (0x786F_4256, "vboxsf"),
    (0x0102_1994, "tmpfs"),
    (0x8584_58F6, "ramfs"),
    (0x9123_683E, "btrfs"),
    (0xEF53, "ext4"),
    (0x5846_5342, "xfs"),
    (0x794C_7630, "overlay"),
    (0xF2F5_2010, "f2fs"),
    (0x2FC1_2FC1, "zfs"),
    (0x7366_746E, "ntfs3"),
    (0x4D44, "vfat"),
    (0x2011_BAB0, "exfat"),
];

impl FileSystem {
    /// The file system of an existing folder; `None` if the system does not say.
    #[cfg(target_os = "linux")]
    pub fn of(folder: &Path) -> Option<Self> {
        // The kernel's type is 32 bits wide, sign-extended on some architectures.
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the magic number has 32 bits"
        )]
        let number = rustix::fs::statfs(folder).ok()?.f_type as u32;
        let mount = mount_of(folder);
        Some(match mount {
            Some(mount) => FileSystem::of_mount(&mount),
            None => FileSystem::of_number(number),
        })
    }

    /// The file system of an existing folder; `None` if the system does not say.
    #[cfg(not(target_os = "linux"))]
    pub fn of(_: &Path) -> Option<Self> {
        None
    }

    /// Its kind.
    pub fn kind(&self) -> FileSystemKind {
        self.kind
    }

    /// Type, such as `ext4` or `fuse.sshfs`.
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    fn of_number(number: u32) -> Self {
        match NUMBERS.iter().find(|(known, _)| *known == number) {
            Some((_, name)) => FileSystem::named(name, "", None),
            None => FileSystem::named(&format!("type {number:#x}"), "", None),
        }
    }

    fn of_mount(mount: &Mount) -> Self {
        FileSystem::named(&mount.type_name, &mount.source, Some(mount.point.clone()))
    }

    fn named(type_name: &str, source: &str, mount_point: Option<PathBuf>) -> Self {
        let subtype = type_name.strip_prefix("fuse.").unwrap_or(type_name);
        let of = |name: &str| TYPES.iter().find(|(names, ..)| names.contains(&name));
        // Some programs set the source, and no subtype. A program of the table is never a path.
        let program = source.split(['#', ':', '/']).next().unwrap_or_default();
        let by_source = (subtype == "fuse").then(|| of(program)).flatten();
        let is_fuse = type_name.starts_with("fuse.");
        let (title, kind) = match by_source.or_else(|| of(subtype)) {
            Some((_, _, Local | Memory)) if is_fuse => ("FUSE", Fuse),
            // File systems of Amazon EFS are mounted by their host name (EFS user guide, Mounting with the NFS client), or
            // through a tunnel by its mount helper.
            Some((_, "NFS", kind)) if source.contains(".efs.") => ("Amazon EFS", *kind),
            Some((_, "NFS", kind)) if source.starts_with("127.0.0.1:") => {
                ("NFS through a tunnel, as of Amazon EFS", *kind)
            }
            Some((_, title, kind)) => (*title, *kind),
            None if is_fuse => ("FUSE", Fuse),
            None => ("", Unknown),
        };
        FileSystem { kind, title, type_name: type_name.to_owned(), mount_point }
    }

    /// A file system of this type, as without a mount point.
    #[cfg(test)]
    pub(crate) fn of_type(type_name: &str) -> Self {
        FileSystem::named(type_name, "", None)
    }

    /// What a run risks there with its ledger, and what to do; nothing on a disk of this host, in memory, which an
    /// import may outlive on purpose, and where the type is unknown.
    pub fn risk(&self) -> Option<(&'static str, &'static str)> {
        const LOCAL: &str =
            "name a ledger on a local disk with --ledger, or use this folder on one host only";
        match self.kind {
            Network => Some((
                "hosts may not see each other's locks, so that two runs would send the same rows; SQLite's shared \
                 memory does not reach another host; a commit is as durable as the server makes it",
                LOCAL,
            )),
            Shared => Some((
                "the other side of the share does not see locks, so that two runs would send the same rows; SQLite's \
                 shared memory does not reach it; a commit may not be on its disk yet",
                "name a ledger on a local disk with --ledger, or read and run it on this side only",
            )),
            Fuse => Some((
                "another mount of the same folder does not see locks, so that two runs would send the same rows; a \
                 commit is as durable as the program of the mount makes it",
                "name a ledger on a local disk with --ledger, or use this mount only",
            )),
            ObjectStore => Some((
                "a bucket has no locks, and a file in it cannot be changed in place",
                "name a ledger on a local disk with --ledger; the bucket can hold the CSV",
            )),
            Local | Memory | Unknown => None,
        }
    }
}

impl fmt::Display for FileSystem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.title {
            "" => formatter.write_str(&self.type_name)?,
            title => write!(formatter, "{title} ({})", self.type_name)?,
        }
        match &self.mount_point {
            Some(point) => write!(formatter, ", mounted at {}", point.shown()),
            None => Ok(()),
        }
    }
}

/// The mount that a folder is in. The kernel names it by its number, so that neither links nor mounts over mounts matter.
#[cfg(target_os = "linux")]
fn mount_of(folder: &Path) -> Option<Mount> {
    use std::os::fd::AsRawFd as _;
    let opened = std::fs::File::open(folder).ok()?;
    let about = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", opened.as_raw_fd())).ok()?;
    let number = about.lines().find_map(|line| line.strip_prefix("mnt_id:"))?.trim();
    mounts()?.into_iter().find(|mount| mount.number == number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mounts::parsed;

    fn of_line(line: &str) -> FileSystem {
        FileSystem::of_mount(&parsed(line.as_bytes())[0])
    }

    #[test]
    fn a_file_system_is_named_as_its_mount_says() {
        for (after, kind, shown) in [
            ("ext4 /dev/vda rw", Local, "ext4, mounted at /m"),
            ("btrfs /dev/loop0 rw", Local, "btrfs, mounted at /m"),
            ("overlay overlay rw,lowerdir=/a", Local, "overlay, mounted at /m"),
            ("fuseblk /dev/sda1 rw", Local, "fuseblk, mounted at /m"),
            ("tmpfs tmpfs rw", Memory, "tmpfs, mounted at /m"),
            ("nfs4 server:/export rw", Network, "NFS (nfs4), mounted at /m"),
            ("nfs4 fs-0123.efs.eu-west-2.amazonaws.com:/ rw", Network, "Amazon EFS (nfs4), mounted at /m"),
            ("nfs4 127.0.0.1:/ rw", Network, "NFS through a tunnel, as of Amazon EFS (nfs4), mounted at /m"),
            ("cifs //server/share rw", Network, "SMB (cifs), mounted at /m"),
            ("fuse.sshfs me@host:/data rw", Network, "SSHFS (fuse.sshfs), mounted at /m"),
            ("fuse.glusterfs gl:/vol rw", Network, "GlusterFS (fuse.glusterfs), mounted at /m"),
            ("9p C:\\134 rw", Shared, "a folder of the host (9p), mounted at /m"),
            ("virtiofs data rw", Shared, "a folder of the host (virtiofs), mounted at /m"),
            ("fuse.s3fs s3fs rw", ObjectStore, "s3fs (fuse.s3fs), mounted at /m"),
            ("fuse mountpoint-s3 rw", ObjectStore, "Mountpoint for Amazon S3 (fuse), mounted at /m"),
            ("fuse.rclone remote:bucket rw", ObjectStore, "rclone (fuse.rclone), mounted at /m"),
            ("fuse /srv/data rw", Fuse, "FUSE (fuse), mounted at /m"),
            ("fuse.fuse-overlayfs fuse-overlayfs rw", Fuse, "FUSE (fuse.fuse-overlayfs), mounted at /m"),
            ("fuse.ext4 /x rw", Fuse, "FUSE (fuse.ext4), mounted at /m"),
            ("newfs none rw", Unknown, "newfs, mounted at /m"),
        ] {
            let found = of_line(&format!("71 27 0:39 / /m rw,relatime shared:1 master:2 - {after}"));
            assert_eq!((found.kind, found.to_string()), (kind, shown.to_owned()), "{after}");
            let is_risky = matches!(kind, Network | Shared | Fuse | ObjectStore);
            assert_eq!(found.risk().is_some(), is_risky, "{after}");
        }
    }

    #[test]
    fn a_password_in_a_source_is_not_shown() {
        let found = of_line("71 27 0:39 / /m rw - fuse curlftpfs#ftp://user:secret@host rw");
        assert_eq!(found.to_string(), "FUSE (fuse), mounted at /m");
    }

    #[test]
    fn without_mountinfo_the_number_of_statfs_names_the_type() {
        assert_eq!(FileSystem::of_number(0x6969).kind(), Network);
        assert_eq!(FileSystem::of_number(0x6573_5546).kind(), Fuse);
        assert_eq!(FileSystem::of_number(0xEF53).to_string(), "ext4");
        let unknown = FileSystem::of_number(1);
        assert_eq!((unknown.kind(), unknown.to_string()), (Unknown, "type 0x1".to_owned()));
        // Every number names a type of the table.
        for (number, name) in NUMBERS {
            assert_ne!(FileSystem::of_number(number).kind(), Unknown, "{name}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_file_system_of_a_folder_is_found_in_this_systems_mounts() {
        let found = FileSystem::of(Path::new("/proc")).unwrap();
        assert_eq!(found.to_string(), "proc, mounted at /proc");
        let folder = tempfile::tempdir().unwrap();
        let found = FileSystem::of(folder.path()).unwrap();
        assert!(found.mount_point.is_some_and(|point| folder.path().starts_with(point)));
    }
}
