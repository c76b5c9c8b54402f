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
  client: { unexpected: "页面出了问题，请刷新后再试。" },
};
