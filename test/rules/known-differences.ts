// Where iptables' own tables, or iptables-legacy 1.8.9 itself, say other than we do, and why.

import { because, type KnownDifference } from './difference.ts'
import { targetsDifferentFromLegacy } from './target-differences.ts'

/** iptables' own tables (1.8.9) on the left, what this parser does under `instead`. */
export const differentFromUpstream: readonly KnownDifference[] = [
  ...because('only a kernel knows which accounting objects and sets there are', {
    'libxt_nfacct.t': { '-m nfacct --nfacct-name wrong': '-m nfacct --nfacct-name  wrong' },
    'libxt_SET.t': { '-j SET --add-set foo src,dst': '=' },
    'libxt_set.t': { '-m set --match-set foo src,dst': '=' },
  }),
  ...because('Linux 6.18 takes up to 65535 hits; it was 255 once', {
    'libxt_recent.t': {
      '-m recent --rcheck --hitcount 999 --name foo --mask 255.255.255.255 --rsource': '=',
    },
  }),
]

/** Our fixtures on the left, what iptables-legacy 1.8.9 does under `instead`. */
export const differentFromLegacy: readonly KnownDifference[] = [
  ...targetsDifferentFromLegacy,
  ...because('before 1.8.10 a range that ends before it begins was taken, and nothing lay in it', {
    'match/conntrack.t': { '-m conntrack --ctorigsrcport 3:2': '=', '-m conntrack --ctexpire 6:5': '=' },
    'match/length.t': { '-m length --length 10:5': '=' },
    'match/rt.t': { '-m rt --rt-segsleft 7:5': '=' },
    'match/ah.4.t': { '-p ah -m ah --ahspi 6:5': '=' },
    'match/ah.6.t': { '-m ah --ahspi 6:5': '=' },
    'match/esp.t': { '-p esp -m esp --espspi 6:5': '=' },
    'match/ipcomp.t': { '-p ipcomp -m ipcomp --ipcompspi 6:5': '=' },
    'match/dccp.t': { '-p dccp -m dccp --sport 4:3': '=' },
    'match/frag.t': { '-m frag --fragid 6:5': '=' },
    'match/udp.t': { '-p udp -m udp --sport 6:5': '=' },
  }),
  ...because('before 1.8.10 a range of all numbers was dropped even where it was negated', {
    'match/mh.t': { '-p mh -m mh ! --mh-type 0:255': '-p mobility-header -m mh' },
    'match/rt.t': { '-m rt ! --rt-segsleft 0:4294967295': '-m rt' },
    'match/tcp.t': { '-p tcp -m tcp ! --sport :': '-p tcp -m tcp' },
    'match/udp.t': { '-p udp -m udp ! --sport :': '-p udp -m udp' },
    'match/ah.4.t': { '-p ah -m ah ! --ahspi :': '-p ah -m ah' },
    'match/ah.6.t': { '-m ah ! --ahspi :': '-m ah' },
    'match/esp.t': { '-p esp -m esp ! --espspi 0:4294967295': '-p esp -m esp' },
    'match/frag.t': { '-m frag ! --fragid :': '-m frag' },
  }),
  ...because('a port that does not fit wraps round', {
    'match/conntrack.t': { '-m conntrack --ctorigsrcport 65536': '-m conntrack --ctorigsrcport 0' },
    'match/dccp.t': { '-p dccp -m dccp --sport 65536': '-p dccp -m dccp --sport 0' },
  }),
  ...because('before 1.8.10 protocol 0 was taken', {
    'match/conntrack.t': {
      '-m conntrack --ctproto 0': '=',
      '-m conntrack --ctproto all': '-m conntrack --ctproto 0',
      '-m conntrack ! --ctproto 0': '=',
    },
  }),
  ...because('a mask that is no prefix, or a length too long, is taken for the whole address', {
    'match/conntrack.4.t': {
      '-m conntrack --ctorigsrc 1.1.1.1/255.0.255.0': '-m conntrack --ctorigsrc 1.1.1.1',
      '-m conntrack --ctorigsrc 1.1.1.1/33': '-m conntrack --ctorigsrc 1.1.1.1',
    },
    'match/connlimit.4.t': {
      '-m connlimit --connlimit-above 5 --connlimit-mask 255.0.255.0':
        '-m connlimit --connlimit-above 5 --connlimit-mask 32 --connlimit-saddr',
      '-m connlimit --connlimit-above 5 --connlimit-mask 33':
        '-m connlimit --connlimit-above 5 --connlimit-mask 32 --connlimit-saddr',
    },
  }),
  ...because(
    'a node mask is held against the number of nodes, so that what is printed for node 6 is not read back',
    {
      'match/cluster.t': {
        '-m cluster --cluster-total-nodes 8 --cluster-local-nodemask 33 --cluster-hash-seed 5': undefined,
      },
    },
  ),
  ...because('an option type or length that does not fit wraps round', {
    'match/hbh.t': {
      '-m hbh --hbh-opts 256': '-m hbh --hbh-opts 0',
      '-m hbh --hbh-opts 5:256': '-m hbh --hbh-opts 5:0',
    },
    'match/dst.t': {
      '-m dst --dst-opts 256': '-m dst --dst-opts 0',
      '-m dst --dst-opts 5:256': '-m dst --dst-opts 5:0',
    },
  }),
  ...because('all indexes are printed as if none had been given, which asks for index 0 when read back', {
    'match/ipcomp.t': { '-p ipcomp -m ipcomp --ipcompspi :': '-p ipcomp -m ipcomp' },
  }),
  ...because(
    'a number of a program that does not fit wraps round, and what follows an instruction is passed over',
    {
      'match/bpf.t': {
        '-m bpf --bytecode "1,6 0 0 0 5"': '-m bpf --bytecode "1,6 0 0 0"',
        '-m bpf --bytecode "1,6 256 0 1"': '-m bpf --bytecode "1,6 0 0 1"',
        '-m bpf --bytecode "1,6 0 0 4294967296"': '-m bpf --bytecode "1,6 0 0 0"',
      },
    },
  ),
  ...because('what follows the number of a rate is passed over', {
    'match/hashlimit.t': {
      '-m hashlimit --hashlimit-upto 10mb --hashlimit-name a':
        '-m hashlimit --hashlimit-upto 10/sec --hashlimit-burst 5 --hashlimit-name a',
    },
  }),
  ...because('a rate below 16b/s is printed as 0b/s, which is not read back', {
    'match/hashlimit.t': {
      '-m hashlimit --hashlimit-upto 15b/s --hashlimit-name a':
        '-m hashlimit --hashlimit-upto 0b/s --hashlimit-name a',
    },
  }),
  ...because('a burst is cut to whole units, though that may be less than the least burst of its rate', {
    'match/hashlimit.t': {
      '-m hashlimit --hashlimit-upto 1536kb/s --hashlimit-burst 1536kb --hashlimit-name a':
        '-m hashlimit --hashlimit-upto 1536kb/s --hashlimit-burst 1mb --hashlimit-name a',
    },
  }),
  ...because('a burst that does not fit wraps round', {
    'match/hashlimit.t': {
      '-m hashlimit --hashlimit-upto 4kb/s --hashlimit-burst 10000mb --hashlimit-name a':
        '-m hashlimit --hashlimit-upto 4kb/s --hashlimit-burst 1808mb --hashlimit-name a',
    },
  }),
  ...because('a name that is too long is cut', {
    'match/helper.t': {
      '-m helper --helper abcdefghijklmnopqrstuvwxyzabcd': '-m helper --helper abcdefghijklmnopqrstuvwxyzabc',
    },
  }),
  ...because('a mask that is no prefix is taken for the whole address', {
    'match/srh.t': { '-m srh --srh-psid 2001:db8::1/ffff:0:ffff::': '-m srh --srh-psid 2001:db8::1/128' },
  }),
  ...because('the number of the last comparison is taken for both', {
    'match/srh.t': {
      '-m srh --srh-hdr-len-gt 2 --srh-hdr-len-lt 8': '-m srh --srh-hdr-len-gt 8 --srh-hdr-len-lt 8',
    },
  }),
  ...because('the second of two blocks side by side is taken for text', {
    'match/string.t': {
      '-m string --hex-string "|41||42|" --algo bm': '-m string --string "A|42" --algo bm',
    },
  }),
  ...because('days that never come are taken, and printed as an empty list', {
    'match/time.t': {
      '-m time --weekdays 8': '-m time --weekdays  --datestop 2038-01-19T03:14:07',
      '-m time --monthdays 0': '-m time --monthdays  --datestop 2038-01-19T03:14:07',
      '-m time ! --weekdays 1,2,3,4,5,6,7': '-m time --weekdays  --datestop 2038-01-19T03:14:07',
    },
  }),
  ...because('one of two comparisons or units is forgotten, and a rate that does not fit wraps round', {
    'match/rateest.4.t': {
      '-m rateest --rateest uplink --rateest-lt --rateest-gt --rateest-pps 5':
        '-m rateest --rateest uplink --rateest-gt --rateest-pps 5',
      '-m rateest --rateest uplink --rateest-lt --rateest-pps 5 --rateest-bps 8bit':
        '-m rateest --rateest uplink --rateest-lt --rateest-bps 8bit --rateest-lt --rateest-pps 5',
      '-m rateest --rateest uplink --rateest-gt --rateest-bps 1tbit':
        '-m rateest --rateest uplink --rateest-gt --rateest-bps 3568Mbit',
    },
  }),
]

/** Fixtures about extensions that a kernel may lack, and what they need. */
export const notInEveryKernel: Readonly<Record<string, string>> = {
  'match/ipvs.4.t': 'CONFIG_NETFILTER_XT_MATCH_IPVS',
  'target/CLUSTERIP.t': 'Linux before 6.3',
  'target/LED.t': 'CONFIG_NETFILTER_XT_TARGET_LED',
  'target/SECMARK.t': 'SELinux',
}
