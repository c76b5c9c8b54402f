/** One sentence for each code of the server that a person can meet; codes without one show the server's own title. */
export default {
  unknown: "没有成功，请再试一次（代码 {code}）。",
  server: "服务器暂时不可用，请稍后再试（代码 {code}）。",
  wait: "请等待 {seconds} 秒后再试。",
  not_found: "没有找到，或者您没有查看权限。",
  network: {
    offline: "连接不上服务器，请检查网络后重试。",
    timeout: "服务器没有及时回应，请检查网络后重试。",
  },
  message: {
    too_long: "内容太长，请删减或分几条发送。",
    empty: "消息不能为空。",
    characters: "内容里有不能显示的控制字符，请删去后再发。",
    too_fast: "发送太快了，请稍等片刻。",
    body: "消息格式不正确，请刷新页面后再试。",
    image: "图片信息不完整，请重新选择图片。",
    client_id_reused: "这条消息与已保存的内容不一致，请重新写一条。",
  },
  command: { timeout: "服务器没有及时回应，请重试。" },
  client: { unexpected: "页面出了问题，请刷新后再试。" },
};
