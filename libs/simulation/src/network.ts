/**
 * Between a process and everything it asks (the log, dead letters, targets, agents) lies a way: a question arrives later,
 * its answer arrives later still, and either may get lost. Each is one step of the simulation, so that everything else can
 * happen between any two lines that wait for one.
 */

/** Whoever asks: a process that can die, stop for a while, or be cut off. */
export interface Asker {
  readonly name: string;
  alive: boolean;
  /** Until then it does not run; what it asked before is on its way all the same. */
  paused_until_ms: number;
  /** Until then nothing that it asks arrives. */
  cut_off_until_ms: number;
}

export interface Question {
  readonly asker: Asker;
  readonly what: string;
  readonly run: () => unknown;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: unknown) => void;
}
interface Arrival {
  readonly asker: Asker;
  readonly what: string;
  readonly go: () => void;
}

export type Fate = 'asked' | 'never-asked' | 'answer-lost';

export interface Network {
  ask<T>(asker: Asker, what: string, run: () => T | Promise<T>): Promise<T>;
  /** Something arrives at a process by itself. */
  arrive(asker: Asker, what: string, go: () => void): void;
  readonly questions: readonly Question[];
  /** Lets a question arrive. */
  put(question: Question, fate?: Fate): void;
  /** What could arrive at a process that runs. */
  arrivals(): readonly Arrival[];
  deliver(arrival: Arrival): void;
  /** It died: what it asked never arrives (or does, `on_its_way`), nothing reaches it any more. */
  died(asker: Asker, on_its_way: boolean): void;
  store_away_until_ms: number;
}

export function network(now_ms: () => number, tell: (line: () => string) => void): Network {
  let questions: Question[] = [];
  let arrivals: Arrival[] = [];
  const back = (asker: Asker, what: string, go: () => void): void => {
    if (asker.alive) arrivals.push({ asker, what, go });
  };
  const self: Network = {
    store_away_until_ms: 0,
    ask: (asker, what, run) =>
      new Promise((resolve, reject) => {
        // A dead process asks nobody and is answered by nobody.
        if (asker.alive) questions.push({ asker, what, run, resolve, reject });
      }),
    arrive: back,
    get questions() {
      return questions;
    },
    put(question, fate = 'asked') {
      const { asker, what, run, resolve, reject } = question;
      questions.splice(questions.indexOf(question), 1);
      const away = now_ms() < self.store_away_until_ms || now_ms() < asker.cut_off_until_ms;
      if (away || fate === 'never-asked') {
        tell(() => `${asker.name}: ${what} does not arrive`);
        return back(asker, what, () => reject(new Error('the store is out of reach')));
      }
      tell(() => `${asker.name}: ${what}${fate === 'answer-lost' ? ', the answer gets lost' : ''}`);
      const settle = async (): Promise<void> => {
        try {
          const answer = await run();
          if (fate === 'answer-lost') throw new Error('the connection broke before the answer came');
          back(asker, what, () => resolve(answer as never));
        } catch (error) {
          back(asker, what, () => reject(error));
        }
      };
      void settle();
    },
    arrivals: () => arrivals.filter(({ asker }) => asker.paused_until_ms <= now_ms()),
    deliver(arrival) {
      arrivals.splice(arrivals.indexOf(arrival), 1);
      arrival.go();
    },
    died(asker, on_its_way) {
      arrivals = arrivals.filter((arrival) => arrival.asker !== asker);
      if (!on_its_way) questions = questions.filter((question) => question.asker !== asker);
    },
  };
  return self;
}
