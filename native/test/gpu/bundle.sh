#!/usr/bin/env bash
# Packs everything that a GPU host needs to check the CUDA device: a Java runtime, jars, native libraries, kernels,
# tests and benchmarks. That host then needs a driver, cuDNN, cuBLAS and libcudart, and neither Java, Maven nor a compiler.
# After a build with nvcc on the PATH or under CUDA_HOME:
#   mvn -q -f benchmarks/reactor.xml verify && native/test/gpu/bundle.sh
# Then, on the host (one without xz unpacks with: python3 -m tarfile -e attentive-cutmix-gpu.tar.xz):
#   tar xf attentive-cutmix-gpu.tar.xz && attentive-cutmix-gpu/check.sh
# usage: bundle.sh [ARCHIVE]    default: target/attentive-cutmix-gpu.tar.xz
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
archive=$(realpath -m "${1:-$root/target/attentive-cutmix-gpu.tar.xz}")
limit=$((60 * 1024 * 1024))
platform=linux-x86_64
work=$root/target/gpu-bundle
out=$work/attentive-cutmix-gpu

fail() {
  echo "bundle.sh: $*" >&2
  exit 1
}
for tool in mvn unzip tar xz; do
  command -v "$tool" >/dev/null || fail "no $tool on the PATH"
done
java_home=${JAVA_HOME:-$(dirname "$(dirname "$(readlink -f "$(command -v javac || fail "no JDK: set JAVA_HOME")")")")}
[ -x "$java_home/bin/jlink" ] || fail "no jlink under $java_home; needed: a JDK"

version=$(sed -n 's|^  <version>\(.*\)</version>|\1|p' "$root/pom.xml" | head -1)
junit=1.$(sed -n 's|.*<junit.version>5\.\(.*\)</junit.version>.*|\1|p' "$root/pom.xml")
library=$root/target/attentive-cutmix-$version.jar
kernels=$root/target/attentive-cutmix-$version-$platform-cuda.jar
[ -f "$library" ] || fail "no $library; run mvn verify first"
[ -f "$kernels" ] || fail "no $kernels; run mvn verify with nvcc on the PATH or under CUDA_HOME"
[ -d "$root/target/test-classes/io/attentivecutmix/gpu" ] || fail "no compiled tests; run mvn verify first"

rm -rf "$work"
mkdir -p "$out/lib" "$out/natives" "$out/tests/io/attentivecutmix"

# The modules are those that jdeps finds, less java.sql (optional for a JMH library)
"$java_home/bin/jlink" --output "$out/jre" --strip-debug --no-header-files --no-man-pages --vm=server \
  --add-modules java.base,java.desktop,java.logging,java.management,java.net.http,java.xml \
  --add-modules jdk.management,jdk.unsupported

# Jars, from the pom's own versions; those with a classifier hold native libraries, which are laid out as files below,
# so that nothing is unpacked into a cache when the bundle runs.
mvn -q -B -f "$root/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
  -DincludeScope=runtime -DincludeArtifactIds=javacpp,dnnl,opencl,cuda,jackson-core \
  -DoutputDirectory="$work/dependencies"
mvn -q -B -f "$root/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
  -Dartifact="org.junit.platform:junit-platform-console-standalone:$junit" -DoutputDirectory="$out/lib"
for jar in "$work"/dependencies/*.jar; do
  case $jar in
    *-$platform.jar) ;;
    *) cp "$jar" "$out/lib/" ;;
  esac
done
cp "$library" "$out/lib/"
unpack() { # unpack JAR PATTERN...
  unzip -q -o "$1" "${@:2}" -d "$out/natives"
}
for name in javacpp dnnl opencl; do
  unpack "$(echo "$work/dependencies/$name"-*-"$platform.jar")" "org/bytedeco/$name/$platform/*.so*"
done
cuda=org/bytedeco/cuda/$platform
unpack "$(echo "$work"/dependencies/cuda-*-"$platform.jar")" "$cuda"/libjni{cudart,cublas,cudnn}.so
unpack "$kernels" "io/attentivecutmix/cuda/kernels/$platform/*.so"

# Tests: those for a GPU, and what they borrow
mkdir -p "$out/tests/io/attentivecutmix/cpu" "$out/tests/golden"
cp -r "$root/target/test-classes/io/attentivecutmix/gpu" "$out/tests/io/attentivecutmix/"
cp "$root"/target/test-classes/io/attentivecutmix/cpu/{TestImages,GoldenFeatures}*.class \
  "$out/tests/io/attentivecutmix/cpu/"
cp -r "$root/target/test-classes/golden/features" "$out/tests/golden/"

# Benchmarks without their Java rivals, which are for the CPU and larger than all the rest
benchmarks=$root/benchmarks/target
if [ -f "$benchmarks/benchmarks.jar" ]; then
  [ "$benchmarks/benchmarks.jar" -nt "$library" ] || echo "bundle.sh: benchmarks.jar is older than $library" >&2
  cp "$benchmarks/benchmarks.jar" "$benchmarks"/lib/{jmh-core,jopt-simple,commons-math3}-*.jar "$out/lib/"
else
  echo "bundle.sh: no benchmarks/target/benchmarks.jar, so the bundle has no timings of whole steps" >&2
fi

here=$root/native/test/gpu
cp "$here/check.sh" "$here/rivals.py" "$here/sanitizer.txt" "$out/"
{
  echo "attentive-cutmix $version"
  echo "commit $(git -C "$root" describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)"
  echo "java $("$out/jre/bin/java" --version | head -1)"
} >"$out/VERSION"

mkdir -p "$(dirname "$archive")"
# gzip would come to 61 MiB
tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner -cf - attentive-cutmix-gpu | xz -6 -T 2 >"$archive.part"
size=$(stat -c %s "$archive.part")
[ "$size" -lt "$limit" ] || fail "the archive has $size bytes; allowed: below $limit"
mv "$archive.part" "$archive"
echo "$archive: $((size / 1048576)) MiB, $(du -sm "$out" | cut -f1) MiB unpacked"
rm -rf "$work"
