export default {
  title: "案件空间",
};
