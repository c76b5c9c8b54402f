export default {
  add: "添加代理人",
  save: "添加",
  title: "添加{party}的代理人",
  text: "请核对授权委托书。添加后，此人可以看到该方的案件空间，并会收到待开庭审的链接。",
  authority: "代理权限",
  end: "终止代理",
  endTitle: "终止{name}的代理？",
  endText: "终止后，此人立即退出案件空间、调解和庭审，看不到任何内容。请核对解除委托的材料。",
};
