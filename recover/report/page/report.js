// What makes the page handier; all it says stands there without it, too.
'use strict';
(() => {
  const { names, cellBytes, lines } = JSON.parse(document.getElementById('cells').textContent);
  const map = document.getElementById('map');
  const output = document.getElementById('cell');

  const size = (bytes) => {
    const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
    let unit = 0;
    while (bytes >= 1024 && unit + 1 < units.length) { bytes /= 1024; unit += 1; }
    return `${bytes >= 100 || Number.isInteger(bytes) ? Math.round(bytes) : bytes.toFixed(1)} ${units[unit]}`;
  };
  const pages = (count) => size(count * 4096);

  function describe(line, slot) {
    const start = BigInt(line.start) + BigInt(slot) * BigInt(cellBytes);
    const place = `0x${start.toString(16)} – 0x${(start + BigInt(cellBytes) - 1n).toString(16)}`;
    const cell = line.cells[slot];
    const region = line.region.includes(slot) ? ' · the dump lay here' : '';
    if (!cell) return `${place}${region}\nno RAM in the dump`;
    const [stored, zero, excluded, lost, ...classes] = cell;
    const parts = [`stored ${pages(stored)}`];
    if (zero) parts.push(`zero ${pages(zero)} of it`);
    parts.push(`left out ${pages(excluded)}`);
    if (lost) parts.push(`LOST ${pages(lost)}`);
    const what = classes.map(([index, count]) => `${names[index]} ${pages(count)}`).join(', ');
    return `${place}${region}\n${parts.join(' · ')}\n${what}`;
  }

  if (map) {
    const pictures = [...map.querySelectorAll('.line svg')];
    const cursor = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    cursor.setAttribute('class', 'cursor');
    cursor.setAttribute('width', '1');
    cursor.setAttribute('height', '1');
    let row = 0;
    let slot = 0;
    const show = () => {
      cursor.setAttribute('x', slot);
      pictures[row].append(cursor);
      output.textContent = describe(lines[row], slot);
    };
    const point = (event) => {
      const picture = event.target.closest('.line')?.querySelector('svg');
      if (!picture) return;
      const box = picture.getBoundingClientRect();
      row = pictures.indexOf(picture);
      slot = Math.min(63, Math.max(0, Math.floor((event.clientX - box.left) / box.width * 64)));
      show();
    };
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -64], End: [0, 64] };
    output.hidden = false;
    map.tabIndex = 0;
    map.addEventListener('pointermove', point);
    map.addEventListener('pointerdown', point);
    map.addEventListener('keydown', (event) => {
      const move = moves[event.key];
      if (!move) return;
      event.preventDefault();
      row = Math.min(lines.length - 1, Math.max(0, row + move[0]));
      slot = Math.min(63, Math.max(0, slot + move[1]));
      show();
    });
  }

  for (const command of document.querySelectorAll('.command')) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = 'Copy';
    button.setAttribute('aria-label', `Copy: ${command.querySelector('h3').textContent}`);
    button.addEventListener('click', () => {
      getSelection().selectAllChildren(command.querySelector('code'));
      button.textContent = document.execCommand('copy') ? 'Copied' : 'Selected';
      setTimeout(() => { button.textContent = 'Copy'; }, 2000);
    });
    command.append(button);
  }
})();
