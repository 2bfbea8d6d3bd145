#!/usr/bin/env bash
# Makes one video with the EvoLink API: creates a task, polls it until it ends, saves the result. Needs curl, but not jq.
#
#     EVOLINK_API_KEY=… bash curl.sh --prompt TEXT --image-url URL --output video.mp4
#
# Exit status: 0 saved, 1 refused or failed, 2 bad usage, 3 gave up. The reason is printed on stderr.
set -u
export LC_ALL=C

end() { echo "evolink: $2" >&2; exit "$1"; }

interval=2 deadline=600 prompt='' image='' output=''
while [ $# -gt 1 ]; do
  case $1 in
    --prompt) prompt=$2 ;; --image-url) image=$2 ;; --output) output=$2 ;;
    --interval) interval=$2 ;; --deadline) deadline=$2 ;; *) end 2 "what is $1?" ;;
  esac
  shift 2
done
base=${EVOLINK_BASE_URL:-https://api.evolink.ai} base=${base%/} key=${EVOLINK_API_KEY:-}
here='^http://(localhost|127\.0\.0\.1|\[::1])(:[0-9]+)?(/|$)' # only this machine may be reached without https
safe() { [[ $1 == https://?* || $1 =~ $here ]]; }
[ $# = 0 ] && [ -n "$prompt" ] && [ -n "$output" ] || end 2 "--prompt TEXT --image-url URL --output FILE [--interval 2] [--deadline 600]"
[[ $image =~ ^https?://[^[:space:]]+$ ]] || end 2 "--image-url has to be a URL"
[[ $interval =~ ^[1-9][0-9]{0,8}$ && $deadline =~ ^[1-9][0-9]{0,8}$ ]] || end 2 "--interval and --deadline are whole seconds, 1 at least"
[[ -n $key && $key != *[[:cntrl:]]* ]] || end 2 "EVOLINK_API_KEY is not set to a key"
safe "$base" || end 2 "EVOLINK_BASE_URL has to be https"
[ -d "$(dirname "$output")" ] || end 2 "--output: there is no such directory"
work=$(mktemp -d) || end 3 "no room for temporary files"
part=$output.part
trap 'rm -rf "$work" "$part"' EXIT

# ask PATH [OPTION…] sends a request and sets `status` and `body` ({} if the body is not JSON). Status -1: the API was
# not reached. 0: it may have been reached, but its response was lost. curl reads the key from a pipe, because other
# users can see command lines.
ask() {
  local left=$((deadline - SECONDS)) path=$1 report kind lost
  shift
  : >"$work/body"
  report=$(printf 'Authorization: Bearer %s\n' "$key" | curl -sS -H @- -o "$work/body" -D "$work/head" \
    -w '%{http_code} %{content_type}' --max-time $((left < 1 ? 1 : left > 30 ? 30 : left)) "$@" "$base$path" 2>"$work/why")
  lost=$?
  read -r status kind <<<"$report"
  body=$(tr -d '\0' <"$work/body")
  case $lost in 0) ;; 5 | 6 | 7 | 35 | 60) status=-1 ;; *) status=0 ;; esac
  [[ $kind == *json* && $body == {*} && ($status == 2?? || $body == *'"error":'*) ]] && return
  body='{}'
  case $status in 2?? | 5??) status=0 ;; esac
}

# The API writes compact JSON. `top NAME` prints a string of the outermost object, after replacing inner objects by null.
top() { sed -e :a -e 's/\([:,[]\){[^{}]*}/\1null/;ta' <<<"$body" | text "$1"; }
text() { grep -oE "\"$1\":\"([^\"\\\\]|\\\\.)*\"" | head -n 1 | sed -e 's/^"[^"]*":"//' -e 's/"$//' -e 's/\\n/ /g' -e 's/\\\(["\\/]\)/\1/g'; }
refused() {
  local error='' code message
  [[ $body == *'"error":'* ]] && error=${body#*\"error\":}
  code=$(text code <<<"$error") message=$(text message <<<"$error")
  end 1 "${code:-no code (status $status)}: ${message:-no message}"
}

# wait_for INTERVAL NEWS sleeps as long as a 429 says, or else for the interval, which doubles with each failure.
wait_for() {
  local pause=$(($1 << failures)) after
  if [ "$status" = 429 ]; then
    after=$(sed -n 's/^[Rr]etry-[Aa]fter: *//p' "$work/head" | tr -d '\r' | tail -n 1)
    [[ $after =~ ^[0-9]{1,9}$ ]] || { after=$(date -d "${after:-none}" +%s 2>/dev/null) && after=$((after - $(date +%s) + 1)) || after=5; }
    pause=$((10#$after > $1 ? 10#$after : $1))
  fi
  ((pause < deadline - SECONDS && failures < 30)) || end 3 "gave up: out of time: $2"
  sleep "$pause"
}

json() { printf %s "$1" | tr '[:cntrl:]' ' ' | sed 's/[\\"]/\\&/g'; }
order="{\"model\":\"grok-imagine-image-to-video-beta\",\"prompt\":\"$(json "$prompt")\",\"image_urls\":[\"$(json "$image")\"]}"
failures=0
while :; do
  ask /v1/videos/generations -H 'Content-Type: application/json' --data-binary "$order"
  id=$(top id)
  [[ $status == 2?? && $id =~ ^[A-Za-z0-9_-]+$ ]] && break
  case $status$failures in
    429?) wait_for 1 "no task was created" ;;
    -1[01] | 500[01]) wait_for 1 "no task was created"; failures=$((failures + 1)) ;;
    -1?) end 3 "gave up: the API cannot be reached; nothing was created" ;;
    3??? | 4??? | 500?) refused ;;
    *) end 3 "gave up: create's answer is lost: there may be a task, with credits reserved. It is not sent again." ;;
  esac
done
echo "evolink: created $id" >&2

failures=0
while :; do
  ask "/v1/tasks/$id"
  case $status:$(top status) in
    2??:completed) break ;;
    2??:failed) refused ;;
    2??:* | 429:*) failures=0; wait_for "$interval" "$id may go on; ask for it later" ;; # also for an unknown status
    3??:* | 4??:*) refused ;;
    *) wait_for "$interval" "$id may go on; ask for it later"; failures=$((failures + 1)) ;;
  esac
done
link=$(sed -n 's/.*"results":\["\([^"]*\)".*/\1/p' <<<"$body" | sed 's/\\\//\//g')
safe "$link" || end 3 "gave up: $id is completed, without a result that can be used"

# An MP4 file is a sequence of boxes. Each box begins with its length.
number() { local n=0 byte; for byte in $(od -An -v -tu1 -j "$1" -N "$2" "$part"); do n=$((n << 8 | byte)); done; echo "$n"; }
whole() {
  local at=0 size length
  size=$(wc -c <"$part")
  while ((at < size)); do
    length=$(number $at 4)
    ((length == 1)) && length=$(number $((at + 8)) 8)
    at=$((length > 0 ? at + length : size))
  done
  ((size > 0 && at == size))
}

for pause in 1 2 0; do # the link needs no key, so none is sent
  status=$(curl -sS -L -o "$part" -w '%{http_code}' --connect-timeout 30 --speed-time 30 --speed-limit 1 "$link" 2>"$work/why")
  lost=$?
  case $status in 429) ;; 4??) end 3 "gave up: the link to the video no longer works (status $status)" ;; esac
  [ "$lost$status" = 0200 ] && whole && mv "$part" "$output" && exit 0
  sleep "$pause"
done
end 3 "gave up: the video could not be downloaded completely; for 24 hours it is at $link"
