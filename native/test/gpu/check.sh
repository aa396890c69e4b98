#!/usr/bin/env bash
# Checks and measures the CUDA device inside an unpacked bundle (see bundle.sh). The host needs an NVIDIA driver and, in
# Python's site-packages or in system folders, libcudart.so.13, libcublas.so.13 and libcudnn.so.9. No Java, no compiler,
# no root.
#
# usage: check.sh [--device cuda|cuda:N|cpu] [--results FOLDER] [--limit SECONDS] [PART...]
#
#   machine    card, driver, versions, processor, memory, which libraries were mapped
#   ceilings   copy rate of the card's memory and of the bus, rate of an 8192³ matrix product
#   contract   CUDA against the CPU device and the golden files (JUnit)
#   sanitizer  compute-sanitizer's four tools on a small run
#   selftest   inline PTX of the kernels against the PTX ISA's lane maps
#   steps      10,000 steps with flat device memory
#   stages     each kernel alone: microseconds, GB/s, part of the copy rate
#   device     whole steps on images that stay on the card: images/s, p50, p99, host's share
#   timings    extractor and whole step, batch 1, 8, 64, 256, each precision (JMH)
#   rivals     PyTorch: eager, compiled, hand-fused in a CUDA graph; and the per-sample pipeline
#   soak       only when named: 1,000,000 small steps and 10,000 times opening and closing, 20 minutes each at most
#
# Without parts all but soak are run, in this order; each has its own time limit, and none needs another. Raw output
# goes to results/CARD-DATE/PART.log, the table to summary.md beside it; with --results a folder is continued, so that
# parts may run one call at a time. A part that cannot run here is skipped with its reason. Exit status: 1 if a part
# failed, else 0.
# Environment: PYTHON (default python3), ACM_LIBRARIES (folders to search first, separated by colons), ACM_STEPS
# (default 10000), ACM_SOAK (steps, cycles, seconds for each; default 1000000 10000 1200).
set -euo pipefail
export LC_ALL=C.UTF-8
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
named_parts=(soak)
all_parts=(machine ceilings contract sanitizer selftest steps stages device timings rivals)
declare -A limits=([machine]=90 [ceilings]=180 [contract]=420 [sanitizer]=540 [selftest]=60 [steps]=300 [stages]=240
  [device]=300 [soak]=2600 [timings]=590 [rivals]=590)
readonly skipped=77

die() {
  echo "check.sh: $*" >&2
  exit 2
}

# ---- where things are

java_() { # java_ ARGUMENTS...: the bundle's own Java, with the host's CUDA libraries
  LD_LIBRARY_PATH=$ACM_PATH "$here/jre/bin/java" "${java_options[@]}" "$@"
}

site_folders() { # folders of Python packages, one a line
  local python=${PYTHON:-python3}
  if command -v "$python" >/dev/null 2>&1; then
    "$python" -c 'import site, sys
print("\n".join(sys.path + site.getsitepackages() + [site.getusersitepackages()]))' 2>/dev/null || true
  fi
  printf '%s\n' ${VIRTUAL_ENV:+"$VIRTUAL_ENV"/lib/python3*/site-packages} \
    ${CONDA_PREFIX:+"$CONDA_PREFIX"/lib/python3*/site-packages} ${HOME:+"$HOME"/.local/lib/python3*/site-packages} \
    /usr/local/lib/python3*/{site,dist}-packages /usr/lib/python3*/{site,dist}-packages \
    /opt/*/lib/python3*/site-packages
}

library_folders() { # folders that may hold CUDA's libraries, the first wins
  tr : '\n' <<<"${ACM_LIBRARIES:-}"
  local site
  while IFS= read -r site; do
    printf '%s\n' "$site"/nvidia/*/lib
  done < <(site_folders)
  tr : '\n' <<<"${LD_LIBRARY_PATH:-}"
  printf '%s\n' /usr/local/cuda/lib64 /usr/local/cuda-13*/lib64 /usr/local/nvidia/lib64
  printf '%s\n' /usr/lib/x86_64-linux-gnu /usr/lib64
}

find_libraries() { # sets ACM_PATH: for each library the first folder that has it, so that no two versions mix
  local folders name folder path=''
  mapfile -t folders < <(library_folders)
  missing=()
  for name in libcudart.so.13 libcublas.so.13 libcudnn.so.9 libcuda.so.1; do
    for folder in "${folders[@]}" ''; do
      [ -n "$folder" ] && [ -e "$folder/$name" ] && break
    done
    if [ -z "$folder" ]; then
      PATH=$PATH:/sbin ldconfig -p 2>/dev/null | grep -F "$name" >/dev/null || missing+=("$name")
    elif [[ $folder != /usr/lib* && ":$path:" != *":$folder:"* ]]; then
      # a system folder is searched anyway, and listed it would come before the bundle's own libraries
      path=$path${path:+:}$folder
    fi
  done
  export ACM_PATH=$path
}

# ---- the parts; each runs in a process of its own, prints its raw output, and leaves what the summary shows of it

headline() { echo "$*" >"$ACM_RESULTS/$part.headline"; }
skip() {
  echo "skipped: $*"
  headline "$*"
  exit "$skipped"
}
needs_card() {
  [ "$ACM_DEVICE" != cpu ] || skip "for a GPU only"
  [ -z "$ACM_NO_CARD" ] || skip "$ACM_NO_CARD"
}
needs_device() { [ -z "$ACM_NO_DEVICE" ] || skip "$ACM_DEVICE: $ACM_NO_DEVICE"; }

# value KEY: of the JSON lines on standard input, one a line
value() { sed -n "s|.*\"$1\": *\"\\{0,1\\}\\([^\",}]*\\).*|\\1|p"; }

part_machine() {
  cat "$here/VERSION"
  date -u +%Y-%m-%dT%H:%M:%SZ
  echo "--- card"
  nvidia-smi 2>&1 || echo "no nvidia-smi"
  local asked=name,driver_version,vbios_version,memory.total,power.limit,clocks.max.sm,clocks.max.mem
  nvidia-smi --query-gpu="$asked,ecc.mode.current,mig.mode.current" --format=csv 2>/dev/null || true
  cat /proc/driver/nvidia/version 2>/dev/null || echo "no kernel module of NVIDIA"
  echo "--- host"
  uname -a
  ldd --version 2>/dev/null | head -1 || true
  grep -m1 'model name' /proc/cpuinfo || true
  echo "processors: $(getconf _NPROCESSORS_ONLN)"
  grep -E 'MemTotal|MemAvailable' /proc/meminfo || true
  echo "--- libraries: $ACM_PATH"
  echo "not found: $ACM_MISSING"
  echo "--- the library"
  java_ io.attentivecutmix.gpu.Machine
  if [ -n "$ACM_NO_DEVICE" ]; then
    headline "$ACM_DEVICE cannot be used: $ACM_NO_DEVICE"
  else
    headline "$ACM_CARD"
  fi
}

part_ceilings() {
  needs_card
  java_ io.attentivecutmix.gpu.Ceilings | tee "$ACM_RESULTS/ceilings.jsonl"
  local jsonl=$ACM_RESULTS/ceilings.jsonl
  headline "$(paste -d ' ' <(value ceiling <"$jsonl" | sed 's/$/:/') <(value value <"$jsonl") <(value unit <"$jsonl") \
    | paste -sd ';' | sed 's/;/; /g') (cudart and cuBLAS presets)"
}

part_contract() {
  local status=0 log=$ACM_RESULTS/contract.txt
  java_ org.junit.platform.console.ConsoleLauncher execute --disable-banner --disable-ansi-colors --details=tree \
    --include-tag=gpu --select-package=io.attentivecutmix.gpu --reports-dir="$ACM_RESULTS/contract" \
    >"$log" 2>&1 || status=$?
  cat "$log"
  local good failed aborted
  good=$(sed -n 's/^\[ *\([0-9]*\) tests successful *\]$/\1/p' "$log")
  failed=$(sed -n 's/^\[ *\([0-9]*\) tests failed *\]$/\1/p' "$log")
  aborted=$(sed -n 's/^\[ *\([0-9]*\) tests aborted *\]$/\1/p' "$log")
  headline "${good:-0} tests passed, ${failed:-?} failed, ${aborted:-0} skipped"
  [ "$status" -eq 0 ] || return 1
  [ "${good:-0}" -gt 0 ] || skip "$(grep -m1 -o 'skipped: .*' "$log" | sed 's/^skipped: //' || echo 'no test was run')"
}

find_sanitizer() {
  local site candidate
  for candidate in "$(command -v compute-sanitizer || true)" /usr/local/cuda*/bin/compute-sanitizer \
    /opt/nvidia/*/compute-sanitizer; do
    [ -x "$candidate" ] && echo "$candidate" && return
  done
  while IFS= read -r site; do
    for candidate in "$site"/nvidia/*/bin/compute-sanitizer; do
      [ -e "$candidate" ] && echo "$candidate" && return
    done
  done < <(site_folders)
}

part_sanitizer() {
  needs_card
  local sanitizer tool options bad='' clean='' program
  sanitizer=$(find_sanitizer)
  [ -n "$sanitizer" ] || skip "no compute-sanitizer on the PATH, in /usr/local/cuda*, or in site-packages" \
    "(pip: nvidia-cuda-sanitizer-api)"
  "$sanitizer" --version
  local programs=('io.attentivecutmix.gpu.SelfTest')
  if [ -z "$ACM_NO_DEVICE" ]; then
    # few images and the smallest network: a tool makes a kernel up to a hundred times slower
    programs+=('io.attentivecutmix.gpu.Steps 4 3 18 FP16' 'io.attentivecutmix.gpu.Steps 4 3 18 FP32')
  fi
  while read -r tool options; do
    [[ -n $tool && $tool != \#* ]] || continue
    for program in "${programs[@]}"; do
      echo "=== $tool $options: $program"
      # word splitting is meant: options and arguments
      # shellcheck disable=SC2086
      if LD_LIBRARY_PATH=$ACM_PATH "$sanitizer" --tool "$tool" $options --error-exitcode 99 \
        "$here/jre/bin/java" "${java_options[@]}" $program </dev/null; then
        clean="$clean $tool"
      else
        bad="$bad $tool (${program#io.attentivecutmix.gpu.})"
      fi
      headline "clean:$(tr ' ' '\n' <<<"$clean" | sort -u | paste -sd ' ');${bad:+ errors:$bad}"
    done
  done <"$here/sanitizer.txt"
  [ -z "$bad" ]
}

part_selftest() {
  needs_card
  java_ io.attentivecutmix.gpu.SelfTest 2>&1 | tee "$ACM_RESULTS/selftest.txt"
  headline "$(head -1 "$ACM_RESULTS/selftest.txt")"
}

part_steps() {
  needs_device
  local steps=${ACM_STEPS:-10000}
  java_ io.attentivecutmix.gpu.Steps "$steps" | tee "$ACM_RESULTS/steps.txt"
  headline "$steps steps, $(value lostMiB <"$ACM_RESULTS/steps.txt") MiB lost;" \
    "$(grep '^step ' "$ACM_RESULTS/steps.txt" | tail -1)"
}

part_soak() {
  needs_device
  java_ -Xms512m -Xmx512m -XX:+AlwaysPreTouch io.attentivecutmix.gpu.Soak ${ACM_SOAK:-1000000 10000 1200} \
    | tee "$ACM_RESULTS/soak.txt"
  headline "$(grep ' in ' "$ACM_RESULTS/soak.txt" | paste -sd ';' | sed 's/;/; /g'): flat"
}

part_stages() {
  needs_card
  java_ io.attentivecutmix.gpu.KernelTimings | tee "$ACM_RESULTS/stages.jsonl"
  headline "$(grep '"batch": 256, "type": "FLOAT16"' "$ACM_RESULTS/stages.jsonl" \
    | sed 's/.*"kernel": "\([^"]*\)".*"micros": \([0-9.]*\),.*"ofCopyRate": \([0-9.]*\)}/\1 \2 µs (\3)/' \
    | paste -sd ';' | sed 's/;/; /g') at batch 256, FP16; in brackets: part of the copy rate"
}

part_device() {
  needs_card
  needs_device
  java_ io.attentivecutmix.gpu.DeviceSteps | tee "$ACM_RESULTS/device.jsonl"
  headline "$(sed 's/.*"precision": "\([^"]*\)", "batch": \([0-9]*\), "imagesPerSecond": \([0-9.]*\), "p50Millis": \([0-9.]*\),.*/\1 batch \2: \3 images\/s, p50 \4 ms/' \
    "$ACM_RESULTS/device.jsonl" | paste -sd ';' | sed 's/;/; /g')"
}

part_timings() {
  needs_device
  [ -e "$here/lib/benchmarks.jar" ] || skip "the bundle was made without benchmarks.jar"
  rm -f "$ACM_RESULTS/timings.txt"
  local precision precisions=(FP16 BF16 TF32 FP32) batches=1,8,64,256 name=$ACM_DEVICE log bad=''
  if [ "$ACM_DEVICE" = cpu ]; then
    precisions=(FP32)
    batches=1,8
  fi
  for precision in "${precisions[@]}"; do
    log=$ACM_RESULTS/timings-$precision
    # one call for each precision: JMH writes its file when a call ends, and what is done should survive the time limit
    java_ io.attentivecutmix.benchmarks.Main '(Extractor|Step)Benchmark' -p device="$name" -p precision="$precision" \
      -p batch="$batches" -p image=224x224 -p k=6 -f 1 -wi 2 -w 1s -i 3 -r 1s -rf json -rff "$log.json" \
      -jvmArgsPrepend "${java_options[*]:0:fork_options}" 2>&1 | tee "$log.txt" || bad="$bad $precision"
    # Benchmark:counter (batch) (device) … Mode Cnt Score Error Units
    awk -v p="$precision" '/Benchmark\..*:images / {
      split($1, b, /[.:]/)
      for (i = 2; i < NF; i++) if ($i == "thrpt") print p, "batch " $2 ":", b[2], $(i + 2), "images/s"
    }' "$log.txt" >>"$ACM_RESULTS/timings.txt"
    headline "$(paste -sd ';' "$ACM_RESULTS/timings.txt" | sed 's/;/; /g')"
  done
  [ -z "$bad" ] || return 1
}

part_rivals() {
  local python=${PYTHON:-python3}
  command -v "$python" >/dev/null 2>&1 || skip "no $python"
  "$python" -c 'import torch' 2>/dev/null || skip "no PyTorch for $python"
  local device=cuda
  if [ "$ACM_DEVICE" = cpu ]; then
    device=cpu
  else
    "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' 2>/dev/null || skip "PyTorch sees no GPU"
  fi
  # what has begun needs time to end: compiling a network takes PyTorch a minute and more
  "$python" "$here/rivals.py" --device "$device" --seconds "$((ACM_LIMIT > 240 ? ACM_LIMIT - 120 : ACM_LIMIT / 2))" \
    --out "$ACM_RESULTS/rivals.jsonl" </dev/null
  headline "$("$python" "$here/rivals.py" --summary "$ACM_RESULTS/rivals.jsonl")"
}

# ---- running them and telling of it

summarise() {
  local name status why seconds text
  {
    echo "# $ACM_CARD, $ACM_DEVICE, $(basename "$ACM_RESULTS")"
    echo
    sed 's/^/- /' "$here/VERSION"
    echo
    echo "| part | status | seconds | |"
    echo "|---|---|---|---|"
    for name in "${all_parts[@]}" "${named_parts[@]}"; do
      [ -e "$ACM_RESULTS/$name.status" ] || continue
      read -r status seconds why <"$ACM_RESULTS/$name.status"
      text=$(cat "$ACM_RESULTS/$name.headline" 2>/dev/null || true)
      echo "| $name | $status | $seconds | ${why:+$why. }${text//|//} |"
    done
  } >"$ACM_RESULTS/summary.md.part"
  mv "$ACM_RESULTS/summary.md.part" "$ACM_RESULTS/summary.md"
}

run_part() { # run_part NAME: 1 if it failed
  local name=$1 limit=${limit_all:-${limits[$1]}} start=$SECONDS code=0 status why=''
  rm -f "$ACM_RESULTS/$name.headline"
  echo "== $name (at most $limit s)"
  ACM_LIMIT=$limit timeout -k 10 "$limit" "$BASH" "$here/check.sh" --inside "$name" \
    >"$ACM_RESULTS/$name.log" 2>&1 </dev/null || code=$?
  case $code in
    0) status=ok ;;
    "$skipped") status=skipped ;;
    124 | 137) status=failed why="over the limit of $limit s" ;;
    *) status=failed why="exit status $code" ;;
  esac
  echo "$status $((SECONDS - start)) $why" >"$ACM_RESULTS/$name.status"
  summarise
  echo "   $status${why:+, $why}: $(cat "$ACM_RESULTS/$name.headline" 2>/dev/null || tail -1 "$ACM_RESULTS/$name.log")"
  [ "$status" != failed ]
}

set_java_options() {
  java_options=(-Dorg.bytedeco.javacpp.pathsFirst=true "-Djava.library.path=$ACM_PATH"
    "-Dorg.bytedeco.javacpp.cachedir=$ACM_RESULTS/cache" --enable-native-access=ALL-UNNAMED)
  # what JMH hands to the processes it starts, which set a heap of their own
  fork_options=${#java_options[@]}
  java_options+=(-Xmx4g -Djava.awt.headless=true "-Dgpu.test.device=$ACM_DEVICE"
    -cp "$here/tests:$here/natives:$here/lib/*")
}

if [ "${1:-}" = --inside ]; then
  part=$2
  set_java_options
  "part_$part"
  exit
fi

ACM_DEVICE=cuda
ACM_RESULTS=
limit_all=
parts=()
while [ $# -gt 0 ]; do
  case $1 in
    --device | --results | --limit)
      [ $# -gt 1 ] || die "$1 needs a value"
      case $1 in
        --device) ACM_DEVICE=$2 ;;
        --results) ACM_RESULTS=$2 ;;
        --limit) limit_all=$2 ;;
      esac
      shift 2
      ;;
    -h | --help)
      sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$here/check.sh"
      exit 0
      ;;
    *)
      [[ " ${all_parts[*]} ${named_parts[*]} " == *" $1 "* ]] \
        || die "part is $1; allowed: ${all_parts[*]} ${named_parts[*]}"
      parts+=("$1")
      shift
      ;;
  esac
done
[[ $ACM_DEVICE =~ ^(cpu|cuda(:[0-9]+)?)$ ]] || die "device is $ACM_DEVICE; allowed: cuda, cuda:N, cpu"
[[ $limit_all =~ ^([1-9][0-9]*)?$ ]] || die "limit is $limit_all; allowed: seconds, 1 or more"
[ -x "$here/jre/bin/java" ] || die "no jre/bin/java beside this script: it runs in an unpacked bundle, see bundle.sh"
[ ${#parts[@]} -gt 0 ] || parts=("${all_parts[@]}")

ACM_CARD=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -1 || true)
ACM_CARD=${ACM_CARD:-no GPU}
if [ -z "$ACM_RESULTS" ]; then
  ACM_RESULTS=$here/results/$(tr -cs 'A-Za-z0-9' '-' <<<"$ACM_CARD" | sed 's/-$//')-$(date -u +%Y%m%d-%H%M%S)
fi
mkdir -p "$ACM_RESULTS"
ACM_RESULTS=$(cd "$ACM_RESULTS" && pwd)
find_libraries
ACM_MISSING="${missing[*]:-nothing}"
set_java_options
mapfile -t reasons < <(timeout -k 10 120 env LD_LIBRARY_PATH="$ACM_PATH" "$here/jre/bin/java" "${java_options[@]}" \
  io.attentivecutmix.gpu.Machine reasons 2>"$ACM_RESULTS/reasons.err" || echo "the bundle's Java does not run")
ACM_NO_DEVICE=${reasons[0]-no answer, see reasons.err}
ACM_NO_CARD=${reasons[1]-no answer, see reasons.err}
[ -s "$ACM_RESULTS/reasons.err" ] || rm -f "$ACM_RESULTS/reasons.err"
export ACM_DEVICE ACM_RESULTS ACM_CARD ACM_MISSING ACM_NO_DEVICE ACM_NO_CARD

failures=0
for name in "${parts[@]}"; do
  run_part "$name" || failures=$((failures + 1))
done
rmdir "$ACM_RESULTS/cache" 2>/dev/null || true
echo
cat "$ACM_RESULTS/summary.md"
echo
echo "raw output: $ACM_RESULTS"
[ "$failures" -eq 0 ]
