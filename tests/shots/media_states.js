// For pictures only: a screen worth looking at, a line that loses packets, a microphone that a call takes away.
(() => {
  const states = (window.__states = { loss: 0, screen: null, tracks: [] });
  const ask = RTCPeerConnection.prototype.getStats;
  RTCPeerConnection.prototype.getStats = async function (...given) {
    const report = await ask.apply(this, given);
    if (states.loss === 0) return report;
    const rows = [...report].map(([id, row]) => [id, row.type === "remote-inbound-rtp" ? { ...row, fractionLost: states.loss } : row]);
    return new Map(rows);
  };
  const add = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (track, ...given) {
    states.tracks.push(track);
    return add.call(this, track, ...given);
  };
  navigator.mediaDevices.getDisplayMedia = async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 1280, height: 720 });
    const picture = Object.assign(new Image(), { src: states.screen });
    await picture.decode();
    const pen = canvas.getContext("2d");
    setInterval(() => pen.drawImage(picture, 0, 0, canvas.width, canvas.height), 200);
    return canvas.captureStream(5);
  };
  states.call = () => {
    for (const track of states.tracks) {
      if (track.kind !== "audio") continue;
      track.stop();
      track.dispatchEvent(new Event("ended"));
    }
  };
})();
