// Package deb assembles a Debian base for an image from .deb files, with no
// dpkg, no root and no maintainer script.
//
// What a mirror says is checked in a chain: InRelease names the Packages
// indexes by sha256, Packages names every .deb by sha256. The OpenPGP
// signature of InRelease is not verified yet (a later step): until then the
// chain rests on the connection to the mirror.
//
// The set is the closure of a fixed list and the packages asked for over
// Depends and Pre-Depends, the newest version of each among the release, its
// updates and its security suite. Essential packages that nothing depends on
// are left out: the base is for running Python, not for administration.
//
// What maintainer scripts would do and a running Python needs is done here:
//
//   - /bin, /sbin, /lib, /lib64 link into /usr (usrmerge), contents moved;
//   - /etc/ssl/certs: the bundle ca-certificates.crt, one link for each
//     certificate and OpenSSL's subject-hash links, through which Python's
//     ssl finds them; /etc/ca-certificates.conf;
//   - /etc/passwd and /etc/group from base-passwd's masters;
//   - alternatives of the first choice for awk, which, cc, c++, c89, c99;
//   - /etc/nsswitch.conf, /etc/profile, .profile and .bashrc of root from the
//     templates their packages ship; /etc/localtime and /etc/timezone (UTC);
//   - folders and links that base-files makes when it is configured;
//   - /var/lib/dpkg/status.d/NAME and NAME.md5sums, which scanners read.
//
// Not done: /etc/ld.so.cache (the loader's default folders hold every library
// of the base; ldconfig, in the set, makes one where a runtime wants it),
// .pyc files, shadow files, debconf's database, /var/lib/dpkg/status. Manual
// pages, info files, translations and documentation other than copyright
// files are left out, as Debian's slim images do.
package deb
