/** The settings of a stage, from what cdk.json holds and the command line chooses. */
import { describe, expect, test } from 'vitest';
import { settingsOfStage } from '../../infra/stack/stages.ts';

const project = {
  stage: 'sandbox',
  allowedOrigins: ['https://shop.example'],
  reconcileMinutes: 2,
  stages: {
    sandbox: { reconcileMinutes: 5 },
    production: { alarmEmails: ['on-call@shop.example'] },
  },
};

describe('what differs between the stages', () => {
  test('is taken from the stage that the settings name', () => {
    expect(settingsOfStage(project)).toEqual({
      stage: 'sandbox',
      allowedOrigins: ['https://shop.example'],
      reconcileMinutes: 5,
    });
  });

  test('or from the one that is chosen, and leaves all else as it is', () => {
    expect(settingsOfStage(project, 'production')).toEqual({
      stage: 'production',
      allowedOrigins: ['https://shop.example'],
      reconcileMinutes: 2,
      alarmEmails: ['on-call@shop.example'],
    });
  });

  test('may be left out', () => {
    expect(settingsOfStage({ stage: 'sandbox' }, 'production')).toEqual({ stage: 'production' });
  });
});

test('may come as JSON text, as on a command line', () => {
  expect(settingsOfStage(JSON.stringify(project))).toEqual(settingsOfStage(project));
  expect(() => settingsOfStage('{stage')).toThrow('neither an object nor JSON text');
});

test.each([
  [{ ...project, stages: { staging: {} } }, 'paytech.stages.staging: is no stage'],
  [{ ...project, stages: { sandbox: { stage: 'production' } } }, 'paytech.stages.sandbox: must be'],
  [{ ...project, stages: [] }, 'paytech.stages: must be an object'],
])('a wrong one is named: %j', (given, problem) => {
  expect(() => settingsOfStage(given)).toThrow(problem);
});
