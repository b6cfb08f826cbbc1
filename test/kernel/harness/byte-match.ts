// What rules ask of a packet's bytes wherever they lie. Not for an IPv4 id or checksum: the kernel chooses the id of packets sent from here.

/** Numbers at places of the packet, as -m u32 takes them. */
export const u32Tests = [
  '6&0xff=6,17',
  '0>>22&0x3C@0>>16=22,1024:65535',
  '6&0xff=6&&4&0x1fff=0&&0>>22&0x3c@12>>26&0x3c@0=0:0xffffffff',
  '6&0xff=6&&0>>22&0x3c@0>>16=22:0xffff&&0>>22&0x3c@4=0:0x7fffffff',
  '16=0xc0000202&&36=0',
  '8<<8>>24=6,17',
  '0=0:0xffffffff',
  '44=0:0xffffffff',
  '4294967295=0',
  '0&0@4294967292=0',
  '0>>31@40=0:0xffffffff',
  '0&0xffff@0=0',
  '0&0xff@0>>28@0=0:0xffffffff',
  '0=5:4',
  '40>>24=6,17,43,60&&40&0xff=0:2',
  '24=1:2,0x20010db8,0xfffffffe:0xffffffff',
  '5&0xff=64&&20&0=0&&0&0xf0000000=0x40000000,0x60000000',
]

/** Classic programs that ask for no more than the packet's bytes; not for an IPv4 id, which the kernel chooses for packets sent from here. */
export const programs = [
  // the packet is longer than 60 bytes
  '4,128 0 0 0,37 0 1 60,6 0 0 1,6 0 0 0',
  // every operation with a constant
  '10,32 0 0 0,36 0 0 65537,164 0 0 3735928559,132 0 0 0,100 0 0 7,116 0 0 3,148 0 0 7,37 0 1 2,6 0 0 1,6 0 0 0',
  '9,32 0 0 12,4 0 0 4294967295,20 0 0 2147483648,52 0 0 3,68 0 0 1,84 0 0 4294967294,37 0 1 1431655764,22 0 0 0,6 0 0 0',
  // scratch memory
  '11,32 0 0 16,7 0 0 0,32 0 0 12,2 0 0 3,32 0 0 0,28 0 0 0,3 0 0 5,96 0 0 3,60 0 0 0,92 0 0 0,22 0 0 0',
  '7,128 0 0 0,2 0 0 15,97 0 0 15,135 0 0 0,29 0 1 0,6 0 0 1,6 0 0 0',
  // division by 0 ends a program, and so does its remainder
  '4,1 0 0 0,32 0 0 0,60 0 0 0,6 0 0 1',
  '4,1 0 0 0,32 0 0 0,156 0 0 0,6 0 0 1',
  // the length nibble of an IPv4 header, and two bytes from behind it
  '5,177 0 0 0,72 0 0 2,21 0 1 22,6 0 0 65535,6 0 0 0',
  '7,177 0 0 0,80 0 0 13,69 0 3 2,69 1 0 16,6 0 0 1,6 0 0 0,6 0 0 0',
  // a place told by the packet, through X and A
  '7,48 0 0 6,84 0 0 31,7 0 0 0,64 0 0 36,21 1 0 0,6 0 0 1,6 0 0 0',
  // the end of the packet, and beyond
  '2,48 0 0 47,6 0 0 1',
  '2,32 0 0 44,6 0 0 1',
  '2,40 0 0 2147483647,6 0 0 1',
  // the type of the frame, and A ^ X
  '4,40 0 0 4294963200,21 0 1 2048,6 0 0 1,6 0 0 0',
  '5,32 0 0 12,7 0 0 0,32 0 0 0,32 0 0 4294963240,22 0 0 0',
  // by X
  '6,48 0 0 7,7 0 0 0,0 0 0 1,108 0 0 0,84 0 0 4080,22 0 0 0',
  '8,1 0 0 4294967295,0 0 0 3,12 0 0 0,44 0 0 0,124 0 0 0,69 0 1 1,22 0 0 0,6 0 0 0',
  '9,48 0 0 9,7 0 0 0,48 0 0 8,61 0 2 0,45 1 0 0,6 0 0 0,77 0 1 0,6 0 0 1,6 0 0 0',
  // nothing but constants
  '1,6 0 0 0',
  '1,6 0 0 65535',
  '4,0 0 0 5,21 0 1 5,6 0 0 1,6 0 0 0',
  '3,5 0 0 1,6 0 0 0,6 0 0 1',
]
