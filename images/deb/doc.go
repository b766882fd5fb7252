// Package deb assembles a Debian base for an image from .deb files, with no
// dpkg, no root and no maintainer script.
//
// What a mirror says is checked in a chain: an OpenPGP signature of InRelease
// (or of Release, by Release.gpg) by a key of the suite's own release, which
// are embedded (keys/), or of the file that WHEELWRIGHT_DEBIAN_KEYRING names;
// InRelease names the Packages indexes by sha256, Packages names every .deb by
// sha256. Only what was signed is read. A Release whose Valid-Until is past is
// refused when it is fetched, and one older than that read before from the
// same address is passed over; offline the signature of the kept one is
// verified again, and no clock is looked at. Repositories of image.apt are
// verified in the same way, by their own key alone.
//
// The set is the closure of a fixed list and the packages asked for over
// Depends and Pre-Depends, the newest version of each among the release, its
// updates and its security suite. Essential packages that nothing depends on
// are left out: the base is for running Python, not for administration.
//
// No maintainer script is run. What they would do and a running Python needs is
// done here, after the packages of each layer, for what stands so far (a layer
// above holds what it changes of those below, which never know of it):
//
//   - /bin, /sbin, /lib, /lib64 link into /usr (usrmerge), contents moved;
//   - update-alternatives --install and dpkg-divert, as far as the scripts give
//     them literally: commands are read from the text, with variables of one
//     literal value and loops over literal words, whatever the conditions
//     around them (commands in shell.go). The highest priority whose target is
//     there wins. A diversion holds for the whole set, for paths as packages
//     spell them, as dpkg compares them, and not for folders;
//   - /etc/ssl/certs: the bundle ca-certificates.crt, one link for each
//     certificate, those in /usr/local/share/ca-certificates too, and OpenSSL's
//     subject-hash links, through which Python's ssl finds them;
//     /etc/ca-certificates.conf;
//   - /etc/ld.so.cache as ldconfig lists it: the loader finds every library of
//     the base without, but ctypes.util.find_library does not;
//   - /etc/passwd and /etc/group from base-passwd's masters, their passwords
//     '*' for want of a shadow file; /etc/shells as update-shells makes it;
//   - what facts.go lists: /etc/nsswitch.conf, /etc/profile, .profile and
//     .bashrc of root from templates; /etc/localtime (UTC); the folders and
//     links of a configured base-files. A fact counts only while its package's
//     script still names the path;
//   - /var/lib/dpkg/status.d/NAME and NAME.md5sums, which scanners read.
//
// Configuration files are plain files. Set-id bits stay as packages have them.
// [Tree.Report] lists the packages with scripts, what of them was done, and what
// was read and not done: commands that are not literal, triggers, users and
// groups that adduser and its like would make.
//
// Packages can also be put on an image of Debian 12 or 13 ([Plan.On]): what it
// lacks of them becomes one layer. Its files stay, but where a package replaces
// another's as dpkg would; its dpkg database, loader cache and alternatives are
// carried on where it has them; its certificate bundle is not.
//
// Not done: .pyc files, shadow files, debconf's database and, but for such an
// image, /var/lib/dpkg/status and the rest of dpkg's database. Manual pages, info files, translations and
// documentation other than copyright files are left out, as Debian's slim
// images do. scripts/debootstrap.py holds the result against debootstrap and
// dpkg, file by file.
//
// A .deb is foreign bytes: refused (exit code 5) are one whose data.tar unpacks
// to far more than it says or than packages do, one that takes more memory to
// unpack than xz -9 asks for, twice over, one that has paths that leave
// the root, stand twice, or delete (".wh."), devices, pipes and sparse files,
// hard links to what is no file before them, and a control file that is not
// one paragraph. See listTar, readControl, arParts, xzGuard.
package deb
