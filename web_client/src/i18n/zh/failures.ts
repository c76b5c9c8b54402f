/** 故障说明：录音录像监测发现的问题，由法官阅读、补充、签署。 */
export default {
  title: "录音录像故障说明",
  intro: "以下说明由系统根据监测事实自动起草。请核对，可补充情况后签署；签署后不能修改，随录像一并保存。",
  banner: {
    lasting: "录像监测报警：{title}。",
    over: "录像曾出现异常：{title}（已恢复）。",
    more: "另有 {count} 项。",
    read: "查看故障说明",
    advice: "请核实；可继续，也可休庭排查。",
  },
  state: { lasting: "仍在持续", over: "已恢复", signed: "已签署", unsigned: "待签署" },
  from: "起始",
  until: "恢复",
  noticed: "发现",
  cause: "原因",
  remarks: "补充说明（可不填）",
  remarksPlaceholder: "例如：经核实，当事人当时未发言；已提示其检查话筒",
  sign: "签署本说明",
  signedBy: "{name} 于 {time} 签署",
  remarksSaid: "补充说明：{remarks}",
  none: "没有故障说明：监测未发现异常。",
  onlyJudge: "由本案法官签署。",
};
