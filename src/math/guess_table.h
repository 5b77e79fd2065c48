/// Coefficients of src/math/guess.h, lowest first; written by
/// scripts/math-polynomials.c with MPFR.
#ifndef KR_MATH_GUESS_TABLE_H
#define KR_MATH_GUESS_TABLE_H

// clang-format off
// sin r = r + r z P(z), z = r^2, |r| <= pi/2
static const double GUESS_SIN[6] = {-0x1.55555555549cap-3, 0x1.1111110fc0382p-7, -0x1.a01a0011ad051p-13, 0x1.71dd8dddb60eep-19,
  -0x1.ae20c38063741p-26, 0x1.54e73e70229a1p-33};
// cos r = 1 + z P(z), |r| <= pi/4
static const double GUESS_COS[5] = {-0x1.fffffffffe695p-2, 0x1.555555514f227p-5, -0x1.6c16bae5884c4p-10, 0x1.a012988a65212p-16,
  -0x1.2474cf998e6dap-22};
// 2^z = 1 + z P(z), |z| <= 1/2
static const double GUESS_EXP2[8] = {0x1.62e42fef9cc64p-1, 0x1.ebfbdff82a732p-3, 0x1.c6b08da70e7d3p-5, 0x1.3b2ab70ad2cdcp-7,
  0x1.5d87759566b2fp-10, 0x1.4308c716af45p-13, 0x1.00c0e72005c22p-16, 0x1.63b2da142583ap-20};
// ln m = s P(z), s = (m - 1) / (m + 1), z = s^2
static const double GUESS_LOG[6] = {0x1.fffffffffff12p+0, 0x1.55555556716b3p-1, 0x1.9999962bb080cp-2, 0x1.249438433f333p-2,
  0x1.c620e20428fc7p-3, 0x1.9193a006bbaedp-3};
// log2 m = s P(z)
static const double GUESS_LOG2[6] = {0x1.71547652b8252p+1, 0x1.ec709dc53a191p-1, 0x1.2776c295b26e6p-1, 0x1.a61a2cf64013dp-2,
  0x1.47959d3c06f22p-2, 0x1.21ad23db025b1p-2};
// log10 m = s P(z)
static const double GUESS_LOG10[6] = {0x1.bcb7b1526e43fp-1, 0x1.287a7637eaf6dp-2, 0x1.63c6247a99f11p-3, 0x1.fc4302318a23ap-4,
  0x1.8a737207df47p-4, 0x1.5cce181db926dp-4};
// 20 log10 m = s P(z)
static const double GUESS_DB[6] = {0x1.15f2ced384ea8p+4, 0x1.729913c5e5b48p+2, 0x1.bcb7ad99406d6p+1, 0x1.3da9e15ef6565p+1,
  0x1.ed104e89d718dp+0, 0x1.b4019e2527708p+0};
// 12 log2 m = s P(z)
static const double GUESS_FTOM[6] = {0x1.14ff58be0a1bep+5, 0x1.71547653eb92dp+3, 0x1.bb3223e08ba59p+2, 0x1.3c93a1b8b00eep+2,
  0x1.eb606bda0a6b3p+1, 0x1.b283b5c88388ap+1};
// atan t = t + t z P(z), |t| <= sqrt 2 - 1
static const double GUESS_ATAN[8] = {-0x1.5555555552614p-2, 0x1.999999885d999p-3, -0x1.249240da41636p-3, 0x1.c719636d4b2cap-4,
  -0x1.7415b3b39088ap-4, 0x1.377e031c91c5ep-4, -0x1.edc0eb9c0960ep-5, 0x1.0df9d68ec3cb8p-5};
// asin t = t + t z P(z), |t| <= 1/2
static const double GUESS_ASIN[9] = {0x1.555555555baa8p-3, 0x1.333333132f744p-4, 0x1.6db6f5ec095d8p-5, 0x1.f1beb92aa68b6p-6,
  0x1.6f3488eeab32ep-6, 0x1.14ee9b9fdb916p-6, 0x1.144f19ce1b624p-6, 0x1.1783359a7ebf2p-10,
  0x1.d0747c3d9c76ep-6};
// 2^i / pi mod 2 in parts of 29, 29 and 53 bits, i from -6
static const double GUESS_FAR[111][3] = {
  {0x1.45f3p-8, 0x1.b72722p-30, 0x1.529fc2757d1f4p-59},
  {0x1.45f3p-7, 0x1.b72722p-29, 0x1.529fc2757d1f5p-58},
  {0x1.45f304p-6, 0x1.6e4e441p-29, 0x1.4a7f09d5f47d4p-59},
  {0x1.45f306p-5, 0x1.b939104p-30, 0x1.4a7f09d5f47d4p-58},
  {0x1.45f306p-4, 0x1.b939105p-29, 0x1.29fc2757d1f52p-59},
  {0x1.45f3068p-3, 0x1.727220ap-29, 0x1.29fc2757d1f53p-58},
  {0x1.45f306cp-2, 0x1.c9c882ap-30, 0x1.4fe13abe8fa98p-60},
  {0x1.45f306cp-1, 0x1.c9c882ap-29, 0x1.4fe13abe8fa9ap-59},
  {0x1.45f306dp+0, 0x1.9391054p-29, 0x1.4fe13abe8fa9ap-58},
  {0x1.17cc1b6p-1, 0x1.27220a9p-29, 0x1.3f84eafa3ea68p-59},
  {0x1.17cc1b7p+0, 0x1.3910548p-31, 0x1.3f84eafa3ea69p-58},
  {0x1.7cc1b7p-3, 0x1.391054ap-30, 0x1.fc2757d1f534cp-60},
  {0x1.7cc1b7p-2, 0x1.391054ap-29, 0x1.fc2757d1f534cp-59},
  {0x1.7cc1b72p-1, 0x1.c882a5p-31, 0x1.fc2757d1f534dp-58},
  {0x1.7cc1b72p+0, 0x1.c882a52p-30, 0x1.f84eafa3ea69bp-58},
  {0x1.f306dc8p-1, 0x1.c882a53p-29, 0x1.f09d5f47d4d37p-58},
  {0x1.f306dc9p+0, 0x1.91054a7p-29, 0x1.e13abe8fa9a6ep-58},
  {0x1.e60db93p+0, 0x1.220a94fp-29, 0x1.c2757d1f534ddp-58},
  {0x1.cc1b727p+0, 0x1.1054a7cp-31, 0x1.84eafa3ea69bbp-58},
  {0x1.9836e4ep+0, 0x1.1054a7ep-30, 0x1.09d5f47d4d377p-58},
  {0x1.306dc9cp+0, 0x1.1054a7fp-29, 0x1.3abe8fa9a6eep-62},
  {0x1.836e4e4p-2, 0x1.054a7fp-32, 0x1.3abe8fa9a6eep-61},
  {0x1.836e4e4p-1, 0x1.054a7fp-31, 0x1.3abe8fa9a6eep-60},
  {0x1.836e4e4p+0, 0x1.054a7fp-30, 0x1.3abe8fa9a6eep-59},
  {0x1.06dc9c8p+0, 0x1.054a7fp-29, 0x1.3abe8fa9a6eep-58},
  {0x1.b72722p-5, 0x1.529fc2p-34, 0x1.d5f47d4d377p-60},
  {0x1.b72722p-4, 0x1.529fc2p-33, 0x1.d5f47d4d37702p-59},
  {0x1.b72722p-3, 0x1.529fc2p-32, 0x1.d5f47d4d37703p-58},
  {0x1.b72722p-2, 0x1.529fc24p-31, 0x1.abe8fa9a6ee06p-58},
  {0x1.b72722p-1, 0x1.529fc26p-30, 0x1.57d1f534ddc0dp-58},
  {0x1.b72722p+0, 0x1.529fc27p-29, 0x1.5f47d4d377036p-59},
  {0x1.6e4e441p+0, 0x1.4a7f09cp-30, 0x1.5f47d4d377036p-58},
  {0x1.b939104p-1, 0x1.4a7f09dp-29, 0x1.7d1f534ddc0dap-59},
  {0x1.b939105p+0, 0x1.29fc274p-30, 0x1.7d1f534ddc0dbp-58},
  {0x1.727220ap+0, 0x1.29fc275p-29, 0x1.f47d4d377036cp-59},
  {0x1.c9c882ap-1, 0x1.4fe13a8p-31, 0x1.f47d4d377036dp-58},
  {0x1.c9c882ap+0, 0x1.4fe13aap-30, 0x1.e8fa9a6ee06dbp-58},
  {0x1.9391054p+0, 0x1.4fe13abp-29, 0x1.d1f534ddc0db6p-58},
  {0x1.27220a9p+0, 0x1.3f84eaep-30, 0x1.a3ea69bb81b6cp-58},
  {0x1.3910548p-2, 0x1.3f84eafp-29, 0x1.47d4d377036d8p-58},
  {0x1.391054ap-1, 0x1.fc2757cp-31, 0x1.1f534ddc0db62p-59},
  {0x1.391054ap+0, 0x1.fc2757cp-30, 0x1.1f534ddc0db62p-58},
  {0x1.c882a5p-2, 0x1.fc2757dp-29, 0x1.f534ddc0db628p-61},
  {0x1.c882a52p-1, 0x1.f84eafap-29, 0x1.f534ddc0db628p-60},
  {0x1.c882a53p+0, 0x1.f09d5f4p-29, 0x1.f534ddc0db628p-59},
  {0x1.91054a7p+0, 0x1.e13abe8p-29, 0x1.f534ddc0db629p-58},
  {0x1.220a94fp+0, 0x1.c2757d1p-29, 0x1.ea69bb81b6c52p-58},
  {0x1.1054a7cp-2, 0x1.84eafa3p-29, 0x1.d4d377036d8a5p-58},
  {0x1.1054a7ep-1, 0x1.09d5f47p-29, 0x1.a9a6ee06db14ap-58},
  {0x1.1054a7fp+0, 0x1.3abe8fp-33, 0x1.534ddc0db6295p-58},
  {0x1.054a7fp-3, 0x1.3abe8f8p-32, 0x1.4d377036d8a56p-59},
  {0x1.054a7fp-2, 0x1.3abe8f8p-31, 0x1.4d377036d8a56p-58},
  {0x1.054a7fp-1, 0x1.3abe8fap-30, 0x1.34ddc0db62958p-59},
  {0x1.054a7fp+0, 0x1.3abe8fap-29, 0x1.34ddc0db62959p-58},
  {0x1.529fc2p-5, 0x1.d5f47d4p-31, 0x1.a6ee06db14accp-60},
  {0x1.529fc2p-4, 0x1.d5f47d4p-30, 0x1.a6ee06db14accp-59},
  {0x1.529fc2p-3, 0x1.d5f47d4p-29, 0x1.a6ee06db14accp-58},
  {0x1.529fc24p-2, 0x1.abe8fa9p-29, 0x1.4ddc0db629599p-58},
  {0x1.529fc26p-1, 0x1.57d1f53p-29, 0x1.377036d8a5664p-59},
  {0x1.529fc27p+0, 0x1.5f47d4cp-30, 0x1.377036d8a5664p-58},
  {0x1.4a7f09cp-1, 0x1.5f47d4dp-29, 0x1.bb81b6c52b324p-60},
  {0x1.4a7f09dp+0, 0x1.7d1f534p-30, 0x1.bb81b6c52b326p-59},
  {0x1.29fc274p-1, 0x1.7d1f534p-29, 0x1.bb81b6c52b327p-58},
  {0x1.29fc275p+0, 0x1.f47d4d2p-30, 0x1.77036d8a5664fp-58},
  {0x1.4fe13a8p-2, 0x1.f47d4d3p-29, 0x1.dc0db6295993cp-59},
  {0x1.4fe13aap-1, 0x1.e8fa9a6p-29, 0x1.dc0db6295993cp-58},
  {0x1.4fe13abp+0, 0x1.d1f534dp-29, 0x1.b81b6c52b3278p-58},
  {0x1.3f84eaep-1, 0x1.a3ea69bp-29, 0x1.7036d8a5664f1p-58},
  {0x1.3f84eafp+0, 0x1.47d4d37p-29, 0x1.c0db6295993c4p-59},
  {0x1.fc2757cp-2, 0x1.1f534dcp-30, 0x1.c0db6295993c4p-58},
  {0x1.fc2757cp-1, 0x1.1f534ddp-29, 0x1.81b6c52b32788p-58},
  {0x1.fc2757dp+0, 0x1.f534dd8p-32, 0x1.036d8a5664f1p-58},
  {0x1.f84eafap+0, 0x1.f534ddcp-31, 0x1.b6c52b327884p-64},
  {0x1.f09d5f4p+0, 0x1.f534ddcp-30, 0x1.b6c52b327886p-63},
  {0x1.e13abe8p+0, 0x1.f534ddcp-29, 0x1.b6c52b327887p-62},
  {0x1.c2757d1p+0, 0x1.ea69bb8p-29, 0x1.b6c52b327887p-61},
  {0x1.84eafa3p+0, 0x1.d4d377p-29, 0x1.b6c52b327887p-60},
  {0x1.09d5f47p+0, 0x1.a9a6eep-29, 0x1.b6c52b3278872p-59},
  {0x1.3abe8fp-4, 0x1.534ddcp-29, 0x1.b6c52b3278872p-58},
  {0x1.3abe8f8p-3, 0x1.4d37702p-30, 0x1.6d8a5664f10e4p-58},
  {0x1.3abe8f8p-2, 0x1.4d37703p-29, 0x1.b6295993c439p-59},
  {0x1.3abe8fap-1, 0x1.34ddc0cp-30, 0x1.b6295993c439p-58},
  {0x1.3abe8fap+0, 0x1.34ddc0dp-29, 0x1.6c52b3278872p-58},
  {0x1.d5f47d4p-2, 0x1.a6ee06cp-31, 0x1.b14acc9e21c82p-59},
  {0x1.d5f47d4p-1, 0x1.a6ee06cp-30, 0x1.b14acc9e21c82p-58},
  {0x1.d5f47d4p+0, 0x1.a6ee06dp-29, 0x1.6295993c43904p-58},
  {0x1.abe8fa9p+0, 0x1.4ddc0dbp-29, 0x1.8a5664f10e41p-59},
  {0x1.57d1f53p+0, 0x1.377036cp-30, 0x1.8a5664f10e41p-58},
  {0x1.5f47d4cp-1, 0x1.377036dp-29, 0x1.14acc9e21c82p-58},
  {0x1.5f47d4dp+0, 0x1.bb81b6cp-31, 0x1.4acc9e21c8208p-61},
  {0x1.7d1f534p-1, 0x1.bb81b6cp-30, 0x1.4acc9e21c820cp-60},
  {0x1.7d1f534p+0, 0x1.bb81b6cp-29, 0x1.4acc9e21c820ep-59},
  {0x1.f47d4d2p-1, 0x1.77036d8p-29, 0x1.4acc9e21c820fp-58},
  {0x1.f47d4d3p+0, 0x1.dc0db62p-30, 0x1.2b3278872083ep-59},
  {0x1.e8fa9a6p+0, 0x1.dc0db62p-29, 0x1.2b3278872083fp-58},
  {0x1.d1f534dp+0, 0x1.b81b6c5p-29, 0x1.5993c439041fcp-60},
  {0x1.a3ea69bp+0, 0x1.7036d8ap-29, 0x1.5993c439041fep-59},
  {0x1.47d4d37p+0, 0x1.c0db628p-30, 0x1.5993c439041fep-58},
  {0x1.1f534dcp-1, 0x1.c0db629p-29, 0x1.664f10e4107f8p-59},
  {0x1.1f534ddp+0, 0x1.81b6c52p-29, 0x1.664f10e4107f9p-58},
  {0x1.f534dd8p-3, 0x1.036d8a5p-29, 0x1.993c439041fe4p-59},
  {0x1.f534ddcp-2, 0x1.b6c528p-35, 0x1.993c439041fe5p-58},
  {0x1.f534ddcp-1, 0x1.b6c52ap-34, 0x1.3278872083fcap-58},
  {0x1.f534ddcp+0, 0x1.b6c52bp-33, 0x1.93c439041fe5p-60},
  {0x1.ea69bb8p+0, 0x1.b6c52bp-32, 0x1.93c439041fe5p-59},
  {0x1.d4d377p+0, 0x1.b6c52bp-31, 0x1.93c439041fe51p-58},
  {0x1.a9a6eep+0, 0x1.b6c52b2p-30, 0x1.278872083fca2p-58},
  {0x1.534ddcp+0, 0x1.b6c52b3p-29, 0x1.3c439041fe514p-60},
  {0x1.4d37702p-1, 0x1.6d8a566p-29, 0x1.3c439041fe516p-59},
  {0x1.4d37703p+0, 0x1.b629598p-30, 0x1.3c439041fe516p-58},
  {0x1.34ddc0cp-1, 0x1.b629599p-29, 0x1.e21c820ff28bp-60},
};
// clang-format on
#endif
