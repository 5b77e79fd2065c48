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
// clang-format on
#endif
