// Where iptables-legacy 1.8.9 says other than we do about targets, and why.

import { because, type KnownDifference } from './difference.ts'

export const targetsDifferentFromLegacy: readonly KnownDifference[] = [
  ...because('numbers of a class are cut to 16 bits, and what follows them is dropped', {
    'target/CLASSIFY.t': {
      '-j CLASSIFY --set-class 10000:1': '-j CLASSIFY --set-class 0000:0001',
      '-j CLASSIFY --set-class 1:10000': '-j CLASSIFY --set-class 0001:0000',
      '-j CLASSIFY --set-class 0000:ffffffff': '-j CLASSIFY --set-class 0000:ffff',
      '-j CLASSIFY --set-class 1:-1': '-j CLASSIFY --set-class 0001:ffff',
      '-j CLASSIFY --set-class 1:2x': '-j CLASSIFY --set-class 0001:0002',
      '-j CLASSIFY --set-class 1:2:3': '-j CLASSIFY --set-class 0001:0002',
    },
  }),
  ...because('what follows a closing bracket is dropped', {
    'target/DNAT.6.t': {
      '-p tcp -j DNAT --to-destination [dead::beef]80': '-p tcp -j DNAT --to-destination dead::beef',
    },
  }),
  ...because('a mask that is no prefix, or a length too long, is taken for the whole address', {
    'target/NETMAP.4.t': {
      '-j NETMAP --to 1.2.3.0/255.0.255.0': '-j NETMAP --to 1.2.3.0/32',
      '-j NETMAP --to 1.2.3.0/33': '-j NETMAP --to 1.2.3.0/32',
    },
    'target/NETMAP.6.t': {
      '-j NETMAP --to dead::1/ffff:0:ffff::': '-j NETMAP --to dead::1/128',
    },
    'target/HMARK.4.t': {
      '-j HMARK --hmark-src-prefix 33 --hmark-mod 10 --hmark-rnd 1':
        '-j HMARK --hmark-src-prefix 32 --hmark-rnd 0x00000001 --hmark-mod 10',
      '-j HMARK --hmark-src-prefix 64 --hmark-dst-prefix 128 --hmark-mod 10 --hmark-rnd 1':
        '-j HMARK --hmark-src-prefix 32 --hmark-dst-prefix 32 --hmark-rnd 0x00000001 --hmark-mod 10',
      '-j HMARK --hmark-src-prefix 129 --hmark-mod 10 --hmark-rnd 1':
        '-j HMARK --hmark-src-prefix 32 --hmark-rnd 0x00000001 --hmark-mod 10',
      '-j HMARK --hmark-src-prefix 24 --hmark-dst-prefix 255.255.0.255 --hmark-mod 10 --hmark-rnd 1':
        '-j HMARK --hmark-src-prefix 24 --hmark-dst-prefix 32 --hmark-rnd 0x00000001 --hmark-mod 10',
    },
  }),
  ...because('a short address is filled up in the middle', {
    'target/NETMAP.4.t': {
      '-j NETMAP --to 1.2.3/24': '-j NETMAP --to 1.2.0.0/24',
    },
  }),
  ...because('host names are looked up', {
    'target/NETMAP.4.t': {
      '-j NETMAP --to localhost': '-j NETMAP --to 127.0.0.1/32',
    },
    'target/TEE.4.t': {
      '-j TEE --gateway localhost': '-j TEE --gateway 127.0.0.1',
    },
  }),
  ...because('names that are too long are cut', {
    'target/IDLETIMER.t': {
      '-j IDLETIMER --timeout 1 --label aaaaaaaaaaaaaaaaaaaaaaaaaaaa':
        '-j IDLETIMER --timeout 1 --label aaaaaaaaaaaaaaaaaaaaaaaaaaa',
    },
    'target/RATEEST.t': {
      '-j RATEEST --rateest-name aaaaaaaaaaaaaaaa --rateest-interval 1s --rateest-ewmalog 4s':
        '-j RATEEST --rateest-name aaaaaaaaaaaaaaa --rateest-interval 1.0s --rateest-ewmalog 4.0s',
    },
    'target/TEE.4.t': {
      '-j TEE --oif aaaaaaaaaaaaaaaa --gateway 1.2.3.4': '-j TEE --gateway 1.2.3.4 --oif aaaaaaaaaaaaaaa',
    },
    'target/CT.t': {
      '-p tcp -j CT --notrack --helper aaaaaaaaaaaaaaaaaaaa':
        '-p tcp -j CT --notrack --helper aaaaaaaaaaaaaaa',
      '-p tcp -j CT --notrack --timeout aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa':
        '-p tcp -j CT --notrack --timeout aaaa',
    },
  }),
  ...because('names are printed bare, and those with blanks could not be read again', {
    'target/IDLETIMER.t': {
      '-j IDLETIMER --timeout 1 --label "a b"': '-j IDLETIMER --timeout 1 --label a b',
    },
    'target/RATEEST.t': {
      '-j RATEEST --rateest-name "a b" --rateest-interval 1s --rateest-ewmalog 4s':
        '-j RATEEST --rateest-name a b --rateest-interval 1.0s --rateest-ewmalog 4.0s',
    },
    'target/TEE.4.t': {
      '-j TEE --oif "a b" --gateway 1.2.3.4': '-j TEE --gateway 1.2.3.4 --oif a b',
    },
    'target/CT.t': {
      '-p tcp -j CT --notrack --timeout "a b"': '-p tcp -j CT --notrack --timeout a b',
      '-p tcp -j CT --notrack --helper "a b"': '-p tcp -j CT --notrack --helper a b',
    },
  }),
  ...because('times wrap round at 32 bits of microseconds', {
    'target/RATEEST.t': {
      '-j RATEEST --rateest-name REh --rateest-interval 1s --rateest-ewmalog 1000000s':
        '-j RATEEST --rateest-name REh --rateest-interval 1.0s --rateest-ewmalog 2048.0s',
      '-j RATEEST --rateest-name REp --rateest-interval 1usec --rateest-ewmalog 8s':
        '-j RATEEST --rateest-name REp --rateest-interval 250.0ms --rateest-ewmalog 604.0s',
      '-j RATEEST --rateest-name z6 --rateest-interval 0.1ms --rateest-ewmalog 4200s':
        '-j RATEEST --rateest-name z6 --rateest-interval 250.0ms --rateest-ewmalog 536.9s',
    },
  }),
  ...because('an empty name is taken', {
    'target/RATEEST.t': {
      '-j RATEEST --rateest-name "" --rateest-interval 1s --rateest-ewmalog 64s':
        '-j RATEEST --rateest-name  --rateest-interval 1.0s --rateest-ewmalog 64.0s',
    },
    'target/CT.t': {
      '-p tcp -j CT --notrack --helper ""': '-p tcp -j CT --notrack',
      '-p tcp -j CT --notrack --timeout ""': '-p tcp -j CT --notrack',
    },
  }),
  ...because('a number that does not fit wraps round', {
    'target/SYNPROXY.t': {
      '-p tcp -j SYNPROXY --mss 65536': '-p tcp -j SYNPROXY --mss 0',
      '-p tcp -j SYNPROXY --wscale 256': '-p tcp -j SYNPROXY --wscale 0',
      '-p tcp -j SYNPROXY --mss 65537': '-p tcp -j SYNPROXY --mss 1',
    },
    'target/TPROXY.4.t': {
      '-p tcp -j TPROXY --on-port 65536':
        '-p tcp -j TPROXY --on-port 0 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0',
      '-p tcp -j TPROXY --on-port 70000':
        '-p tcp -j TPROXY --on-port 4464 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0',
    },
    'target/TPROXY.6.t': {
      '-p tcp -j TPROXY --on-port 65536': '-p tcp -j TPROXY --on-port 0 --on-ip :: --tproxy-mark 0x0/0x0',
      '-p tcp -j TPROXY --on-port 70000': '-p tcp -j TPROXY --on-port 4464 --on-ip :: --tproxy-mark 0x0/0x0',
    },
  }),
  ...because('the base 0 that iptables-save prints cannot be read again', {
    'target/SNAT.4.t': {
      '-p tcp -j SNAT --to-source 1.2.3.4:80-90/0': undefined,
    },
    'target/MASQUERADE.t': {
      '-p tcp -j MASQUERADE --to-ports 80-90/0': undefined,
    },
  }),
  ...because('a base behind a single port is printed, but could not be read again', {
    'target/SNAT.4.t': {
      '-p tcp -j SNAT --to-source 1.2.3.4:80-80/5': '-p tcp -j SNAT --to-source 1.2.3.4:80/0',
    },
    'target/DNAT.4.t': {
      '-p tcp -j DNAT --to-destination 1.2.3.4:80-80/5': '-p tcp -j DNAT --to-destination 1.2.3.4:80/5',
    },
  }),
  ...because('the prefix ::/0 is not printed, and the rule could not be read again', {
    'target/SNPT.t': {
      '-j SNPT --src-pfx ::/0 --dst-pfx ::/0': '-j SNPT',
      '-j SNPT --src-pfx ::/64 --dst-pfx ::/0': '-j SNPT --src-pfx ::/64',
    },
  }),
]
