import { readdir, readFile, readlink } from 'node:fs/promises';

/** How many TCP connections a process has to a port, from what the kernel says of its sockets. */
export async function connectionsTo(pid: number, port: number): Promise<number> {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const sockets = new Set<string>();
  for (const line of (await readFile(`/proc/${pid}/net/tcp`, 'utf8')).split('\n').slice(1)) {
    // sl, local address, remote address, state (01: established) ... inode
    const fields = line.trim().split(/\s+/);
    if (fields[2]?.endsWith(`:${wanted}`) && fields[3] === '01') sockets.add(`socket:[${fields[9]}]`);
  }
  const folder = `/proc/${pid}/fd`;
  const open = await Promise.all(
    (await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => '')),
  );
  return open.filter((target) => sockets.has(target)).length;
}

/** Memory of a process, megabytes resident. */
export async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}
