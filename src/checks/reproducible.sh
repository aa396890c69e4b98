#!/usr/bin/env bash
# Builds the jars once more, in another folder, and compares them with those in target/: the library's jar byte for byte, the command
# line's entry by entry, since the other build has no native kernels in it. Kernels are left out of the comparison: libraries depend on
# the compilers of a machine, and nvcc makes up names inside them. Run it after `mvn -DskipTests package`.
set -euo pipefail
cd "$(dirname "$0")/../.."
other=$(mktemp -d)
trap 'rm -rf "$other"' EXIT
cp -r pom.xml src native "$other"
mvn -q -B "$@" -f "$other/pom.xml" -Dnative=OFF -Dcuda=OFF -Dmaven.test.skip=true -Dcyclonedx.skip=true package

library=$(basename "$(ls "$other"/target/attentive-cutmix-[0-9]*.jar)")
cmp "target/$library" "$other/target/$library"
entries() { # names, sizes, times and CRCs, without kernels and the folders they are in
  python3 - "$1" <<'PYTHON'
import sys, zipfile
for entry in zipfile.ZipFile(sys.argv[1]).infolist():
    if "/cuda/kernels/linux-" not in entry.filename:
        print(entry.filename, entry.file_size, "%08x" % entry.CRC, entry.date_time)
PYTHON
}
diff <(entries target/attentive-cutmix-cli.jar) <(entries "$other/target/attentive-cutmix-cli.jar")
echo "the same in another folder: $(sha256sum "$other/target/$library" | cut -c1-64)  $library"
