// Keeps what a page hides from its tests: its peer connections and sockets, and which commands went out.
(() => {
  const spy = (window.__spy = { peers: [], sockets: [], commands: [] });
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...given) {
      super(...given);
      spy.peers.push(this);
    }
  };
  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      spy.sockets.push(this);
    }
    send(data) {
      const command = typeof data === "string" ? /\["(\w+)"/.exec(data)?.[1] : undefined;
      if (command) spy.commands.push(command);
      super.send(data);
    }
  };
  spy.count = (command) => spy.commands.filter((one) => one === command).length;
  spy.living = () => spy.peers.filter((peer) => peer.connectionState !== "closed");
  // Rows of one kind of the living connections' statistics.
  spy.rows = async (type, kind) => {
    const reports = await Promise.all(spy.living().map((peer) => peer.getStats()));
    return reports.flatMap((report) => [...report.values()].filter((row) => row.type === type && row.kind === kind));
  };
})();
