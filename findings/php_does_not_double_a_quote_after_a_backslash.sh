#!/usr/bin/env bash
# PHP's fputcsv does not double a quote that follows a backslash, and its fgetcsv joins two rows where a cell ends with a backslash.
#
# Version: php-cli 8.2 of Debian 12.
# Seen: `back\"slash` is written as "back\"slash", in which `""` still stands for a quote: neither RFC 4180 nor an escape. Of a valid
# file with the cell "C:\temp\" fgetcsv makes one row of two, without a warning. `escape: ''` writes and reads RFC 4180.
# Here: such a cell is a stray quote, which rejects its row; the handbook names the option.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
cd "$folder"
apt-get download -qq php8.2-cli libargon2-1 libsodium23 libxml2 2>apt.log || { cat apt.log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done
cat >seen.php <<'PHP'
<?php
$out = fopen('php://output', 'w');
fputcsv($out, ['HD-1', 'back\\"slash', 'a "quote"']);
fputcsv($out, ['HD-1', 'back\\"slash', 'a "quote"'], escape: '');
file_put_contents('valid.csv', "HD-1,\"C:\\temp\\\"\nHD-2,\"a \"\"quote\"\"\"\n");
foreach (['\\', ''] as $escape) {
    for ($file = fopen('valid.csv', 'r'), $rows = 0; fgetcsv($file, escape: $escape); $rows++);
    echo "$rows\n";
}
PHP
seen="$(LD_LIBRARY_PATH="$(echo "$folder"/usr/lib/*-linux-gnu)" usr/bin/php8.2 -n seen.php)"
echo "$seen"
[ "$seen" = 'HD-1,"back\"slash","a ""quote"""
HD-1,"back\""slash","a ""quote"""
1
2' ]
