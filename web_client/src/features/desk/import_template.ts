/** A file a clerk can start from: the columns the importer reads, and one case of two parties (invented, check digits right). */
export const TEMPLATE_CSV = [
  "案号,案由,程序,公开,承办法官,诉讼地位,当事人类型,姓名或名称,手机号,证件号码,代理人姓名,代理人手机号,代理人证件号码,代理权限",
  "（2026）浙0199民初9001号,民间借贷纠纷,简易程序,公开,judge,原告,自然人,王样例,13900009001,33019919790214101X,,,,",
  "（2026）浙0199民初9001号,,,,,被告,自然人,李样例,13900009002,330199198106091028,徐样例,13900009003,330199198609231037,特别授权",
  "",
].join("\r\n");
