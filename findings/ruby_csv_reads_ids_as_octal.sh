#!/usr/bin/env bash
# Ruby's CSV reads 010 as 8 and 08 as 8.0, so that two ids become one, and 1_000 as 1000.
#
# Version: csv 3.2.2 in ruby 3.1 of Debian 12.
# Seen: `converters: :numeric` reads a cell as a literal of Ruby: a leading zero is octal, 0x1F is 31, 0b11 is 3, and underscores vanish.
# Digits that are not octal make it a floating-point number in the same column. Nothing is raised. Without converters cells are texts.
# Here: the handbook says to mend a rejects file without converters.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
cd "$folder"
apt-get download -qq ruby3.1 libruby3.1 2>apt.log || { cat apt.log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done
cat >seen.rb <<'RUBY'
require "csv"
puts CSV::VERSION
puts CSV.parse_line("007,010,08,0x1F,1_000", converters: :numeric).inspect
puts CSV.parse_line("007,010,08,0x1F,1_000").inspect
RUBY
libraries="$(echo "$folder"/usr/lib/*-linux-gnu)"
seen="$(env -i LD_LIBRARY_PATH="$libraries" RUBYLIB="$folder/usr/lib/ruby/3.1.0:$(echo "$libraries"/ruby/3.1.0)" \
    usr/bin/ruby3.1 --disable-gems seen.rb)"
echo "$seen"
[ "$seen" = '3.2.2
[7, 8, 8.0, 31, 1000]
["007", "010", "08", "0x1F", "1_000"]' ]
